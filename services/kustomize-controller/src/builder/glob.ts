/** What of a pattern is to be cut off. */
export interface TrimOptions {
  /** At the end instead of the start. */
  end: boolean;
  /** The longest match instead of the shortest. */
  longest: boolean;
}

/** Longest pattern and value: matching takes time in proportion to the product of both. */
const maxPattern = 1024;

type Token = { match(char: string): boolean } | 'star';

function parseClass(pattern: string, start: number): { token: Token; next: number } | undefined {
  let at = start + 1;
  const negated = pattern[at] === '^';
  if (negated) at++;
  const ranges: [string, string][] = [];
  const take = () => {
    if (pattern[at] === '\\') at++;
    return pattern[at++] ?? '';
  };
  while (at < pattern.length && (pattern[at] !== ']' || ranges.length === 0)) {
    const low = take();
    let high = low;
    if (pattern[at] === '-' && pattern[at + 1] !== ']') {
      at++;
      high = take();
    }
    ranges.push([low, high]);
  }
  if (pattern[at] !== ']' || ranges.length === 0) return undefined;
  const match = (char: string) =>
    ranges.some(([low, high]) => low <= char && char <= high) !== negated;
  return { token: { match }, next: at + 1 };
}

function parsePattern(pattern: string): Token[] | undefined {
  const tokens: Token[] = [];
  for (let at = 0; at < pattern.length; ) {
    const char = pattern[at] as string;
    if (char === '*') {
      if (tokens.at(-1) !== 'star') tokens.push('star');
      at++;
    } else if (char === '?') {
      tokens.push({ match: () => true });
      at++;
    } else if (char === '[') {
      const parsed = parseClass(pattern, at);
      if (parsed === undefined) return undefined;
      tokens.push(parsed.token);
      at = parsed.next;
    } else {
      const literal = char === '\\' ? pattern[at + 1] : char;
      if (literal === undefined) return undefined;
      tokens.push({ match: (c: string) => c === literal });
      at += char === '\\' ? 2 : 1;
    }
  }
  return tokens;
}

/** Returns the lengths of all prefixes of `value` that the tokens match, shortest first. */
function prefixLengths(tokens: Token[], value: string): number[] {
  let reached = new Set([0]);
  for (const token of tokens) {
    const next = new Set<number>();
    if (token === 'star') {
      for (let at = Math.min(...reached); at <= value.length; at++) next.add(at);
    } else {
      for (const at of reached)
        if (at < value.length && token.match(value[at] as string)) next.add(at + 1);
    }
    reached = next;
    if (reached.size === 0) return [];
  }
  return [...reached].sort((a, b) => a - b);
}

function reverse(text: string): string {
  return text.split('').reverse().join('');
}

/**
 * Cuts off what a shell pattern (`*`, `?`, `[a-z]`, `\c`) matches at the start or end of a value.
 * A pattern that cannot be read, or is longer than 1024 characters, matches nothing.
 */
export function trimMatch(value: string, pattern: string, o: TrimOptions): string {
  const tokens = pattern.length > maxPattern ? undefined : parsePattern(pattern);
  if (tokens === undefined || value === '') return value;
  const directed = o.end ? reverse(value) : value;
  const lengths = prefixLengths(o.end ? tokens.toReversed() : tokens, directed).filter(
    (n) => n > 0,
  );
  const length = o.longest ? lengths.at(-1) : lengths[0];
  if (length === undefined) return value;
  return o.end ? value.slice(0, value.length - length) : value.slice(length);
}
