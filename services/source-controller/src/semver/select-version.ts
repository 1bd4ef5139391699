import { TimeSlice } from '@sluice/shared/base';
import { compileConstraint } from './constraint.ts';
import { compareVersions, parseVersion, type Version } from './version.ts';

/**
 * Finds the highest version inside a range.
 *
 * @param texts candidates; those that are no versions are left out
 * @returns the candidate as it was written, undefined when none fits
 * @throws ConstraintError when the range is none
 */
export function selectVersion(
  texts: Iterable<string>,
  range: string,
  signal?: AbortSignal,
): Promise<string | undefined> {
  return selectByVersion(texts, range, {
    versionOf: (text) => text,
    // The text decides, so that the choice is stable.
    compare: (a, b) => (a < b ? -1 : Number(a > b)),
    signal,
  });
}

/**
 * Finds the item with the highest version inside a range, without holding up the event loop.
 *
 * @param o.compare orders items whose versions are equal, which they are when build metadata alone differs
 * @returns undefined when none fits
 * @throws ConstraintError when the range is none
 */
export async function selectByVersion<T>(
  items: Iterable<T>,
  range: string,
  o: { versionOf(item: T): string; compare(a: T, b: T): number; signal?: AbortSignal },
): Promise<T | undefined> {
  const fits = compileConstraint(range);
  const slice = new TimeSlice(o.signal);
  let best: { item: T; version: Version } | undefined;
  for (const item of items) {
    if (slice.isOver) await slice.next();
    const version = parseVersion(o.versionOf(item));
    if (version === undefined || !fits(version)) continue;
    const order = best === undefined ? 1 : compareVersions(version, best.version);
    if (order > 0 || (order === 0 && best !== undefined && o.compare(item, best.item) > 0)) {
      best = { item, version };
    }
  }
  return best?.item;
}
