import { BudgetError } from '@sluice/shared/base';
import { RE2JS } from 're2js';
import { CompositionError } from './composition-error.ts';
import { readSourceTree } from './source-tree.ts';

/** The directories of an unpacked source to find. */
export interface FindTask {
  dir: string;
  /** A path in which `{name}` stands for one part, or a piece of it. */
  pattern: string;
}

/** A directory that was found, and what each capture stands for in its path. */
export interface FoundDirectory {
  path: string;
  captures: [name: string, value: string][];
}

/** Of one pattern; more than anybody splits a repository into, and few enough to write. */
const maxFound = 1000;
const maxCaptures = 32;

const capturePattern = /^[A-Za-z](?:[A-Za-z0-9_]*[A-Za-z0-9])?$/;
const maxCaptureLength = 63;

/**
 * Finds the directories whose whole path matches a pattern, in the order of their paths.
 *
 * @throws CompositionError when the pattern cannot be used; BudgetError when too many match
 */
export function findDirectories({ dir, pattern }: FindTask): FoundDirectory[] {
  const { expression, names } = compilePattern(pattern);
  const found: FoundDirectory[] = [];
  for (const path of [...readSourceTree(dir).directories.keys()].sort()) {
    const match = path === '' ? undefined : expression.matcher(path);
    if (!match?.matches()) continue;
    if (found.length === maxFound) {
      throw new BudgetError(`more than ${maxFound} directories match: use a narrower pattern`);
    }
    found.push({
      path,
      captures: names.map((name, index) => [name, match.group(index + 1) ?? '']),
    });
  }
  return found;
}

function compilePattern(pattern: string): { expression: RE2JS; names: string[] } {
  const names: string[] = [];
  // Every second piece is the name of a capture.
  const pieces = splitCaptures(pattern).map((piece, index) => {
    if (index % 2 === 0) return RE2JS.quote(piece);
    if (names.includes(piece)) throw new CompositionError(`it has the capture {${piece}} twice`);
    names.push(piece);
    return '([^/]+)';
  });
  if (names.length > maxCaptures) {
    throw new CompositionError(`it has more than ${maxCaptures} captures`);
  }
  return { expression: RE2JS.compile(pieces.join('')), names };
}

/**
 * Splits a text at its captures, such as `apps/{app}`: texts and names take turns, and a text comes first and last.
 *
 * @throws CompositionError when a brace has no partner, or holds no name
 */
export function splitCaptures(text: string): string[] {
  const pieces = text.split(/\{([^{}]*)\}/);
  for (const [index, piece] of pieces.entries()) {
    if (index % 2 === 0) {
      if (!/[{}]/.test(piece)) continue;
      throw new CompositionError(`'${text}' has a brace without its partner`);
    }
    if (capturePattern.test(piece) && piece.length <= maxCaptureLength) continue;
    throw new CompositionError(
      `'${text}' has the capture {${piece}}: write a name of letters, digits and _, which becomes a label`,
    );
  }
  return pieces;
}
