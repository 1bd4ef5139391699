import type { WorkBudget } from '../base/index.ts';

/**
 * Tells whether one path part matches a shell pattern of Go's `filepath.Match`: `*`, `?`, `[a-z]`, `[^a]` and
 * `\` before a literal character. A malformed pattern matches nothing.
 *
 * Runs in time proportional to pattern × name.
 *
 * @param budget counts the steps of each match
 * @see https://pkg.go.dev/path/filepath#Match
 */
export function compileGlob(pattern: string, budget?: WorkBudget): (name: string) => boolean {
  const tokens = tokenize(pattern);
  if (tokens === undefined) return () => false;
  const literal = literalOf(tokens);
  if (literal !== undefined) return (name) => name === literal;
  const start = literalOf(tokens.slice(0, 1)) ?? '';
  const end = literalOf(tokens.slice(-1)) ?? '';
  return (name) => {
    // Most names fit neither end of a pattern.
    if (!name.startsWith(start) || !name.endsWith(end)) return false;
    return matchTokens(tokens, surrogates.test(name) ? Array.from(name) : name, budget);
  };
}

/** Whether {@link compileGlob} can read a pattern. */
export function isGlob(pattern: string): boolean {
  return tokenize(pattern) !== undefined;
}

/** Halves of characters that take two units of a string: only then are its units not its characters. */
const surrogates = /[\ud800-\udfff]/;

type Token =
  | { type: 'literal'; char: string }
  | { type: 'any' }
  | { type: 'star' }
  | { type: 'class'; negated: boolean; ranges: [string, string][] };

function tokenize(pattern: string): Token[] | undefined {
  const chars = Array.from(pattern);
  const tokens: Token[] = [];
  for (let at = 0; at < chars.length; at++) {
    const char = chars[at] as string;
    if (char === '*') tokens.push({ type: 'star' });
    else if (char === '?') tokens.push({ type: 'any' });
    else if (char === '[') {
      const parsed = parseClass(chars, at + 1);
      if (parsed === undefined) return undefined;
      tokens.push(parsed.token);
      at = parsed.end;
    } else if (char === '\\') {
      const escaped = chars[++at];
      if (escaped === undefined) return undefined;
      tokens.push({ type: 'literal', char: escaped });
    } else tokens.push({ type: 'literal', char });
  }
  return tokens;
}

function parseClass(chars: string[], start: number): { token: Token; end: number } | undefined {
  let at = start;
  const negated = chars[at] === '^';
  if (negated) at++;
  const ranges: [string, string][] = [];
  const next = (): string | undefined => {
    const char = chars[at++];
    if (char === '\\') return chars[at++];
    return char === '-' || char === ']' ? undefined : char;
  };
  while (chars[at] !== ']' || ranges.length === 0) {
    const low = next();
    if (low === undefined) return undefined;
    let high: string | undefined = low;
    if (chars[at] === '-') {
      at++;
      high = next();
    }
    if (high === undefined) return undefined;
    ranges.push([low, high]);
  }
  return { token: { type: 'class', negated, ranges }, end: at };
}

function literalOf(tokens: Token[]): string | undefined {
  let text = '';
  for (const token of tokens) {
    if (token.type !== 'literal') return undefined;
    text += token.char;
  }
  return text;
}

/** A long match is counted in parts of this many steps. */
const stepsPerCount = 1000;

function matchTokens(tokens: Token[], chars: string[] | string, budget?: WorkBudget): boolean {
  let steps = 0;
  let token = 0;
  let char = 0;
  let starToken = -1;
  let starChar = 0;
  while (char < chars.length) {
    const current = tokens[token];
    steps += current?.type === 'class' ? current.ranges.length : 1;
    if (steps >= stepsPerCount) {
      budget?.take(steps);
      steps = 0;
    }
    if (current?.type === 'star') {
      starToken = token++;
      starChar = char;
    } else if (current !== undefined && matchOne(current, chars[char] as string)) {
      token++;
      char++;
    } else if (starToken >= 0) {
      // Only the latest star can help: whatever an earlier one took has led here already.
      token = starToken + 1;
      char = ++starChar;
    } else break;
  }
  budget?.take(steps);
  if (char < chars.length) return false;
  while (tokens[token]?.type === 'star') token++;
  return token === tokens.length;
}

function matchOne(token: Token, char: string): boolean {
  if (token.type === 'literal') return token.char === char;
  if (token.type === 'any') return true;
  if (token.type === 'star') return false;
  const point = char.codePointAt(0) as number;
  const inside = token.ranges.some(
    ([low, high]) =>
      (low.codePointAt(0) as number) <= point && point <= (high.codePointAt(0) as number),
  );
  return inside !== token.negated;
}
