import { TimeSlice, WorkBudget } from '@sluice/shared/base';
import { RE2JS } from 're2js';

/** A filter of tags that would cost too much. */
export class FilterError extends Error {
  override name = 'FilterError';
}

const maxFilterLength = 512;
/** Instructions of a compiled filter: a match takes so many steps for each character at worst. */
const maxProgramSize = 1000;
/** Steps for all tags of a repository: a hundred thousand of them by a common expression stay below. */
const maxSteps = 100_000_000;

/**
 * Compiles a filter of tags, in Go's syntax of regular expressions.
 *
 * @throws FilterError when it is too long, or repeats too much; RE2JSException when it is no expression
 */
export function compileFilter(text: string): RE2JS {
  if (text.length > maxFilterLength) {
    throw new FilterError(
      `the expression has ${text.length} characters, more than ${maxFilterLength}`,
    );
  }
  const filter = RE2JS.compile(text);
  if (filter.programSize() <= maxProgramSize) return filter;
  throw new FilterError(
    `the expression takes ${filter.programSize()} instructions, more than ${maxProgramSize}: repeat less`,
  );
}

/**
 * Returns the tags that a filter matches, without holding up the event loop.
 *
 * @param text the filter; all tags when empty
 * @throws BudgetError when that would take too long; as {@link compileFilter}
 */
export async function filterTags(
  tags: readonly string[],
  text: string | undefined,
  signal?: AbortSignal,
): Promise<string[]> {
  if (!text) return [...tags];
  const filter = compileFilter(text);
  const size = filter.programSize();
  const budget = new WorkBudget(`filtering ${tags.length} tags by spec.ref.semverFilter`, maxSteps);
  const slice = new TimeSlice(signal);
  const kept: string[] = [];
  for (const tag of tags) {
    if (slice.isOver) await slice.next();
    budget.take(size * tag.length);
    if (filter.matcher(tag).find()) kept.push(tag);
  }
  return kept;
}
