/** What of a pattern is to be cut off. */
export interface TrimOptions {
  /** At the end instead of the start. */
  end: boolean;
  /** The longest match instead of the shortest. */
  longest: boolean;
}

/** Told the steps of a computation; throws to end it. */
export type Spend = (steps: number) => void;

const maxPattern = 1024;

interface CharToken {
  match(char: string): boolean;
  /** Steps of a comparison. */
  cost: number;
}

type Token = CharToken | 'star';

/** Reads a class; undefined when it is none: `-` and `]` in it need a backslash. */
function parseClass(pattern: string, start: number): { token: Token; next: number } | undefined {
  let at = start + 1;
  const negated = pattern[at] === '^';
  if (negated) at++;
  const ranges: [string, string][] = [];
  const take = () => {
    if (pattern[at] === '-' || pattern[at] === ']') return undefined;
    if (pattern[at] === '\\') at++;
    return pattern[at++];
  };
  while (pattern[at] !== ']' || ranges.length === 0) {
    const low = take();
    let high = low;
    if (pattern[at] === '-') {
      at++;
      high = take();
    }
    if (low === undefined || high === undefined) return undefined;
    ranges.push([low, high]);
  }
  const match = (char: string) =>
    ranges.some(([low, high]) => low <= char && char <= high) !== negated;
  return { token: { match, cost: 1 + ranges.length }, next: at + 1 };
}

function parsePattern(pattern: string): Token[] | undefined {
  const tokens: Token[] = [];
  for (let at = 0; at < pattern.length; ) {
    const char = pattern[at] as string;
    if (char === '*') {
      if (tokens.at(-1) !== 'star') tokens.push('star');
      at++;
    } else if (char === '?') {
      tokens.push({ match: () => true, cost: 1 });
      at++;
    } else if (char === '[') {
      const parsed = parseClass(pattern, at);
      if (parsed === undefined) return undefined;
      tokens.push(parsed.token);
      at = parsed.next;
    } else {
      const literal = char === '\\' ? pattern[at + 1] : char;
      if (literal === undefined) return undefined;
      tokens.push({ match: (c: string) => c === literal, cost: 1 });
      at += char === '\\' ? 2 : 1;
    }
  }
  return tokens;
}

/** The parts of a pattern between its stars; none of them where a star is first or last. */
function segmentsOf(tokens: Token[]): CharToken[][] {
  const segments: CharToken[][] = [[]];
  for (const token of tokens) {
    if (token === 'star') segments.push([]);
    else segments.at(-1)?.push(token);
  }
  return segments;
}

function matchesAt(segment: CharToken[], value: string, at: number, spend: Spend): boolean {
  let steps = 1;
  let isMatch = at + segment.length <= value.length;
  for (let i = 0; isMatch && i < segment.length; i++) {
    const token = segment[i] as CharToken;
    steps += token.cost;
    isMatch = token.match(value[at + i] as string);
  }
  spend(steps);
  return isMatch;
}

interface Search {
  value: string;
  /** Where the segment may start. */
  from: number;
  last: boolean;
  spend: Spend;
}

/** Where a segment matches first, or last; -1 if nowhere. */
function find(segment: CharToken[], { value, from, last, spend }: Search): number {
  const end = value.length - segment.length;
  for (let i = from; i <= end; i++) {
    const at = last ? end - (i - from) : i;
    if (matchesAt(segment, value, at, spend)) return at;
  }
  return -1;
}

/** The length of the shortest, or longest, prefix of a value that the tokens match, 1 at least; -1 for none. */
function prefixLength(tokens: Token[], value: string, longest: boolean, spend: Spend): number {
  const [first = [], ...others] = segmentsOf(tokens);
  if (!matchesAt(first, value, 0, spend)) return -1;
  const final = others.pop();
  if (final === undefined) return first.length === 0 ? -1 : first.length;
  let at = first.length;
  // The leftmost place of each part leaves the most for those after it.
  for (const segment of others) {
    const found = find(segment, { value, from: at, last: false, spend });
    if (found < 0) return -1;
    at = found + segment.length;
  }
  if (final.length === 0) return longest ? value.length : Math.max(1, at);
  const found = find(final, { value, from: at, last: longest, spend });
  return found < 0 ? -1 : found + final.length;
}

function reverse(text: string): string {
  return text.split('').reverse().join('');
}

/**
 * Cuts off what a shell pattern (`*`, `?`, `[a-z]`, `\c`) matches at the start or end of a value.
 * A pattern that cannot be read, or is longer than 1024 characters, matches nothing.
 *
 * @param spend told what is compared; what it throws is thrown
 */
export function trimMatch(value: string, pattern: string, o: TrimOptions, spend: Spend): string {
  // Flux reads the pattern of an end backwards, so that a class or a backslash in it has no such meaning.
  const directedPattern = o.end ? reverse(pattern) : pattern;
  const tokens = pattern.length > maxPattern ? undefined : parsePattern(directedPattern);
  if (tokens === undefined || value === '') return value;
  const directed = o.end ? reverse(value) : value;
  const length = prefixLength(tokens, directed, o.longest, spend);
  if (length < 0) return value;
  return o.end ? value.slice(0, value.length - length) : value.slice(length);
}
