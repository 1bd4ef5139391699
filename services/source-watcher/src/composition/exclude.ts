import type { WorkBudget } from '@sluice/shared/base';
import { compileDoubleStar } from './double-star.ts';
import { baseName } from './source-tree.ts';

/** Tells whether a path of a source is left out, given the directory that was selected; both below the root. */
export type Excluded = (path: string, selected: string) => boolean;

/**
 * Compiles `exclude` of a copy operation.
 *
 * @throws CompositionError when one is no pattern
 */
export function compileExclude(patterns: readonly string[], budget: WorkBudget): Excluded {
  const tests = patterns.map((pattern) => ({
    matches: compileDoubleStar(pattern, budget),
    isName: !pattern.includes('/'),
  }));
  const isExcluded = (path: string) =>
    tests.some(({ matches, isName }) => matches(path) || (isName && matches(baseName(path))));
  return (path, selected) => {
    if (isExcluded(path)) return true;
    const below = selected === '' ? '' : `${selected}/`;
    return below !== '' && path.startsWith(below) && isExcluded(path.slice(below.length));
  };
}
