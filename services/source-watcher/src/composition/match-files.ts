import { posix } from 'node:path';
import { compileGlob, isGlob } from '@sluice/shared/artifact';
import type { WorkBudget } from '@sluice/shared/base';
import { CompositionError } from './composition-error.ts';
import { joinPath, type SourceTree } from './source-tree.ts';

/** Whether a path of `from` is a pattern. */
export function isPattern(path: string): boolean {
  return /[*?[\]]/.test(path);
}

/**
 * Finds the files and directories whose path matches a pattern part by part, as Go's `fs.Glob`: `**` is no more than `*`.
 *
 * @returns their paths, directory by directory in the order of names
 * @throws CompositionError when it is no pattern; BudgetError when matching costs too much
 * @see https://pkg.go.dev/io/fs#Glob
 */
export function matchFiles(tree: SourceTree, pattern: string, budget: WorkBudget): string[] {
  if (!isGlob(pattern)) {
    throw new CompositionError(`'${pattern}' is no pattern: close its brackets`);
  }
  const parts = posix.normalize(pattern).split('/');
  let found = [''];
  for (const part of parts) {
    const matches = compileGlob(part, budget);
    const next: string[] = [];
    for (const directory of found) {
      const names = tree.directories.get(directory) ?? [];
      budget.take(1 + names.length);
      for (const name of names) if (matches(name)) next.push(joinPath(directory, name));
    }
    found = next;
  }
  return found;
}

/** The directories of a pattern before the first part that is one itself; empty when there are none. */
export function literalPrefix(pattern: string): string {
  const parts = posix.normalize(pattern).split('/');
  const end = parts.findIndex(isPattern);
  return (end < 0 ? parts : parts.slice(0, end)).join('/');
}
