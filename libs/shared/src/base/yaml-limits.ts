/** What aliases of one text may stand for, beyond what is written out. */
export interface ExpansionLimits {
  values: number;
  characters: number;
  /** Characters of the text. */
  length: number;
}

/** Says why a text costs too much, once written out as JSON. */
export type Excess = string | undefined;

/** Deepest nesting, aliases followed. */
const maxDepth = 200;

interface Reach {
  values: number;
  characters: number;
  /** Levels below it. */
  depth: number;
}

/** Sums up what was parsed, each shared part looked at once and counted as often as it is reached. */
class Measure {
  /** Values as written. */
  written = 0;
  readonly #known = new Map<object, Reach>();
  readonly #open = new Set<object>();

  /** The size of a value with all that aliases stand for; undefined when it holds itself, or is nested too deep. */
  sizeOf(value: unknown): Reach | undefined {
    if (typeof value !== 'object' || value === null) return this.#scalar(value);
    const known = this.#known.get(value);
    if (known !== undefined) return known;
    if (this.#open.has(value) || this.#open.size > maxDepth) return undefined;
    this.#open.add(value);
    const size = this.#collection(value);
    this.#open.delete(value);
    if (size !== undefined) this.#known.set(value, size);
    return size;
  }

  #scalar(value: unknown): Reach {
    const characters = typeof value === 'string' ? value.length : 0;
    this.written++;
    return { values: 1, characters, depth: 0 };
  }

  #collection(value: object): Reach | undefined {
    const total = { values: 1, characters: 0, depth: 0 };
    this.written++;
    for (const [key, child] of Object.entries(value)) {
      const size = this.sizeOf(child);
      if (size === undefined || size.depth >= maxDepth) return undefined;
      const keyLength = Array.isArray(value) ? 0 : key.length;
      total.values += size.values;
      total.characters += size.characters + keyLength;
      total.depth = Math.max(total.depth, size.depth + 1);
    }
    return total;
  }
}

/**
 * Finds out whether aliases stand for more than they may, without writing them out. Merge keys are limited by the
 * parser itself.
 */
export function excessOf(documents: unknown[], limits: ExpansionLimits): Excess {
  const measure = new Measure();
  const size = measure.sizeOf(documents);
  if (size === undefined)
    return `aliases nest values more than ${maxDepth} deep, or stand for what they are part of`;
  if (size.values - measure.written > limits.values)
    return `aliases stand for more than ${limits.values} values; write them out, or use fewer`;
  if (size.characters - limits.length > limits.characters)
    return `aliases stand for more than ${limits.characters} characters; write them out, or use fewer`;
  return undefined;
}

/** Counts what separates the values of a text; there are not many more values than that. */
export function countSeparators(text: string): number {
  let count = 0;
  for (let at = 0; at < text.length; at++) {
    const char = text.charCodeAt(at);
    // A line break, a comma, an opening bracket or brace.
    if (char === 10 || char === 44 || char === 91 || char === 123) count++;
  }
  return count;
}
