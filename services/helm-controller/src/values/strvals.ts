import type { Values } from '../release/release.ts';
import { HelmInteger } from './helm-integer.ts';
import { isMap, ownValue, setValue } from './merge.ts';
import { StrvalsError, StrvalsReader } from './strvals-reader.ts';

/** What one composition of values may create by indexes of lists. */
export interface StrvalsBudget {
  /** Elements of lists that may still be added. */
  items: number;
  /** Lists that were made here, and can grow where they are. */
  made: WeakSet<unknown[]>;
}

/** How the values are understood. */
export interface StrvalsOptions {
  /** Take all values as text. */
  asText: boolean;
  budget: StrvalsBudget;
}

/** Elements that indexes may add to lists in all; four lists of the greatest length. */
const maxAddedItems = 4 * 65_536;

/** Returns the budget for one composition of values. */
export function newBudget(): StrvalsBudget {
  return { items: maxAddedItems, made: new WeakSet() };
}

/** Limits of Helm. */
const maxIndex = 65_536;
const maxNameLevel = 30;
/** Maps and lists inside each other, which Helm does not limit; a path of 250 characters has no more. */
const maxDepth = 128;

const maxInt64 = 2n ** 63n - 1n;
const minInt64 = -(2n ** 63n);

/** Where a name stands: how many dots are before it, and how deep it is with lists counted too. */
interface Level {
  names: number;
  depth: number;
}

/** Whether more may follow; at the end Helm sometimes drops what it has, and so do we. */
type Progress = 'more' | 'end';

function deeper({ names, depth }: Level, dots: number): Level {
  if (names + dots > maxNameLevel) {
    throw new StrvalsError(`names nest deeper than ${maxNameLevel} levels`);
  }
  if (depth >= maxDepth) {
    throw new StrvalsError(`maps and lists nest deeper than ${maxDepth} levels`);
  }
  return { names: names + dots, depth: depth + 1 };
}

class StrvalsParser {
  readonly #reader: StrvalsReader;
  readonly #options: StrvalsOptions;

  constructor(text: string, options: StrvalsOptions) {
    this.#reader = new StrvalsReader(text);
    this.#options = options;
  }

  parse(data: Values): void {
    while (this.#key(data, { names: 0, depth: 0 }) === 'more');
  }

  #key(data: Values, level: Level): Progress {
    const { text: name, end } = this.#reader.until('=[,.');
    switch (end) {
      case undefined:
        if (name === '') return 'end';
        throw new StrvalsError(`key ${JSON.stringify(name)} has no value`);
      case '=': {
        const atEnd = this.#reader.atEnd;
        put(data, name, this.#value());
        return atEnd ? 'end' : 'more';
      }
      case '[':
        return this.#list(data, name, level);
      case '.':
        return this.#map(data, name, level);
      default:
        throw new StrvalsError(
          `key ${JSON.stringify(name)} has no value: a comma must not follow it, and a comma in a value needs a backslash before it`,
        );
    }
  }

  #map(data: Values, name: string, level: Level): Progress {
    const next = deeper(level, 1);
    const known = ownValue(data, name);
    if (Object.hasOwn(data, name) && !isMap(known)) {
      throw new StrvalsError(`${JSON.stringify(name)} is there already, and not a map`);
    }
    const inner = isMap(known) ? known : {};
    const progress = this.#key(inner, next);
    const empty = Object.keys(inner).length === 0;
    if (progress === 'more' && empty) {
      throw new StrvalsError(`key map ${JSON.stringify(name)} has no value`);
    }
    if (!empty) put(data, name, inner);
    return progress;
  }

  #list(data: Values, name: string, level: Level): Progress {
    const index = this.#index();
    if (index === undefined) return 'end';
    const known = ownValue(data, name);
    if (Object.hasOwn(data, name) && !Array.isArray(known)) {
      throw new StrvalsError(`${JSON.stringify(name)} is there already, and not a list`);
    }
    const list = Array.isArray(known) ? known : [];
    const { list: result, progress } = this.#item(list, index, deeper(level, 0));
    put(data, name, result);
    return progress;
  }

  /** Sets an item; at the end of the text Helm leaves out what an item would hold. */
  #item(list: unknown[], index: number, level: Level): { list: unknown[]; progress: Progress } {
    const { text, end } = this.#reader.until('[.=');
    if (text !== '') {
      throw new StrvalsError(`unexpected ${JSON.stringify(text)} after an index`);
    }
    if (end === undefined) return { list, progress: 'end' };
    if (end === '=') return { list: this.#withItem(list, index, this.#value()), progress: 'more' };
    const known = list[index];
    if (end === '[') {
      const nextIndex = this.#index();
      if (nextIndex === undefined) return { list, progress: 'end' };
      if (known !== undefined && known !== null && !Array.isArray(known)) {
        throw new StrvalsError(`item ${index} is there already, and not a list`);
      }
      const inner = this.#item(known ?? [], nextIndex, deeper(level, 0));
      if (inner.progress === 'end') return { list, progress: 'end' };
      return { list: this.#withItem(list, index, inner.list), progress: 'more' };
    }
    const inner = isMap(known) ? known : {};
    if (index < list.length) list[index] = inner;
    if (this.#key(inner, deeper(level, 0)) === 'end') return { list, progress: 'end' };
    return { list: this.#withItem(list, index, inner), progress: 'more' };
  }

  /** Returns undefined when the text ends before the bracket. */
  #index(): number | undefined {
    const { text, end } = this.#reader.until(']');
    if (end === undefined) return undefined;
    if (!/^[+-]?[0-9]+$/.test(text)) {
      throw new StrvalsError(`index ${JSON.stringify(text)} is not a number`);
    }
    const index = Number(text);
    if (index < 0 || index > maxIndex) {
      throw new StrvalsError(`index ${text} must be between 0 and ${maxIndex}`);
    }
    return index;
  }

  #withItem(list: unknown[], index: number, value: unknown): unknown[] {
    const added = Math.max(0, index + 1 - list.length);
    const { budget } = this.#options;
    if (added > budget.items) {
      throw new StrvalsError(`indexes add more than ${maxAddedItems} items to lists in all`);
    }
    budget.items -= added;
    // As in Go, a list that grows becomes a new one: the old one may be part of other values.
    const result = added === 0 || budget.made.has(list) ? list : [...list];
    for (let n = 0; n < added; n++) result.push(null);
    if (added > 0) budget.made.add(result);
    result[index] = value;
    return result;
  }

  #value(): unknown {
    if (!this.#reader.skip('{')) return this.#typed(this.#reader.until(',').text);
    const items: unknown[] = [];
    for (;;) {
      const { text, end } = this.#reader.until(',}');
      if (end === undefined) throw new StrvalsError("a list must end with '}'");
      items.push(this.#typed(text));
      if (end === ',') continue;
      this.#reader.skip(',');
      return items;
    }
  }

  #typed(text: string): unknown {
    if (this.#options.asText) return text;
    if (/^true$/iu.test(text)) return true;
    if (/^false$/iu.test(text)) return false;
    if (/^null$/iu.test(text)) return null;
    if (text !== '0' && !/^[+-][0-9]{1,40}$|^[1-9][0-9]{0,40}$/.test(text)) return text;
    const value = BigInt(text.replace(/^\+/, ''));
    if (value < minInt64 || value > maxInt64) return text;
    return new HelmInteger(value);
  }
}

/** Helm leaves out empty names. */
function put(data: Values, name: string, value: unknown): void {
  if (name !== '') setValue(data, name, value);
}

/**
 * Puts values in the syntax of `helm --set`, such as `a.b[0]=1,c={x,y}`, into a map, which is changed, lists and maps
 * in it too. What Helm does at the borders of the syntax, such as an item without a value, is the same here; what
 * would take memory without limit is an error.
 *
 * @throws StrvalsError when the text cannot be understood; the map may have changed by then
 * @see https://helm.sh/docs/intro/using_helm/#the-format-and-limitations-of---set
 */
export function parseStrvals(text: string, data: Values, options: StrvalsOptions): void {
  new StrvalsParser(text, options).parse(data);
}
