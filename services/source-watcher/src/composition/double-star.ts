import { compileGlob, isGlob } from '@sluice/shared/artifact';
import type { WorkBudget } from '@sluice/shared/base';
import { CompositionError } from './composition-error.ts';

/** Patterns that the braces of one may stand for. */
const maxAlternatives = 200;

/**
 * Compiles a pattern in which `**` as a part of the path stands for any number of directories, none included, and
 * `{a,b}` for either; all else is as in a shell.
 *
 * @param budget counts the steps of each match
 * @throws CompositionError when it is no pattern, or stands for too many
 * @see https://pkg.go.dev/github.com/bmatcuk/doublestar/v4#Match
 */
export function compileDoubleStar(pattern: string, budget: WorkBudget): (path: string) => boolean {
  const alternatives = expandBraces(pattern).map((one) => compileParts(one, pattern, budget));
  return (path) => {
    const parts = path.split('/');
    return alternatives.some((tests) => matchParts(tests, parts, budget));
  };
}

/** Any number of directories, or what the name of one has to be. */
type Part = '**' | ((name: string) => boolean);

function compileParts(text: string, pattern: string, budget: WorkBudget): Part[] {
  return text.split('/').map((part) => {
    if (part === '**') return part;
    const glob = part.replace(/(?<!\\)\[!/g, '[^');
    if (!isGlob(glob)) throw new CompositionError(`'${pattern}' is no pattern: close its brackets`);
    return compileGlob(glob, budget);
  });
}

function matchParts(tests: readonly Part[], parts: readonly string[], budget: WorkBudget): boolean {
  let test = 0;
  let part = 0;
  let starTest = -1;
  let starPart = 0;
  while (part < parts.length) {
    budget.take(1);
    const current = tests[test];
    if (current === '**') {
      starTest = test++;
      starPart = part;
    } else if (current?.(parts[part] as string)) {
      test++;
      part++;
    } else if (starTest >= 0) {
      // Only the latest one can help: whatever an earlier one took has led here already.
      test = starTest + 1;
      part = ++starPart;
    } else return false;
  }
  while (tests[test] === '**') test++;
  return test === tests.length;
}

/** Writes out what braces stand for; those of a class, or behind a backslash, are characters. */
function expandBraces(pattern: string): string[] {
  const open = [pattern];
  const done: string[] = [];
  for (let text = open.pop(); text !== undefined; text = open.pop()) {
    const group = firstGroup(text, pattern);
    if (group === undefined) done.push(text);
    else {
      const { start, end, options } = group;
      for (const option of options) open.push(text.slice(0, start) + option + text.slice(end));
    }
    if (open.length + done.length > maxAlternatives) {
      throw new CompositionError(
        `'${pattern}' stands for more than ${maxAlternatives} patterns: use fewer braces`,
      );
    }
  }
  return done;
}

interface Group {
  start: number;
  /** Behind the closing brace. */
  end: number;
  options: string[];
}

function firstGroup(text: string, pattern: string): Group | undefined {
  let depth = 0;
  let start = 0;
  let optionStart = 0;
  const options: string[] = [];
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (char === '\\') at++;
    else if (char === '[') at = Math.max(at, classEnd(text, at));
    else if (char === '{') {
      if (depth++ === 0) start = at;
      if (depth === 1) optionStart = at + 1;
    } else if (char === ',' && depth === 1) {
      options.push(text.slice(optionStart, at));
      optionStart = at + 1;
    } else if (char === '}' && depth > 0 && --depth === 0) {
      options.push(text.slice(optionStart, at));
      return { start, end: at + 1, options };
    }
  }
  if (depth > 0) throw new CompositionError(`'${pattern}' is no pattern: close its braces`);
  return undefined;
}

/** Where a class ends that starts at an index; before it when it does not end. */
function classEnd(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === ']' && at > start + 1) return at;
  }
  return -1;
}
