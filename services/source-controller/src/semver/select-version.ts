import { parse, type SemVer } from 'semver';
import { compileConstraint } from './constraint.ts';

const versionPattern =
  /^v?(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?$/;

/** Parses a complete version, which may start with a `v`; undefined when it is none. */
export function parseVersion(text: string): SemVer | undefined {
  return versionPattern.test(text) ? (parse(text) ?? undefined) : undefined;
}

/**
 * Finds the highest version inside a range.
 *
 * @param texts candidates; those that are no versions are left out
 * @returns the candidate as it was written, undefined when none fits
 * @throws ConstraintError when the range is none
 */
export function selectVersion(texts: Iterable<string>, range: string): string | undefined {
  return selectByVersion(texts, range, {
    versionOf: (text) => text,
    // The text decides, so that the choice is stable.
    compare: (a, b) => (a < b ? -1 : Number(a > b)),
  });
}

/**
 * Finds the item with the highest version inside a range.
 *
 * @param o.compare orders items whose versions are equal, which they are when build metadata alone differs
 * @returns undefined when none fits
 * @throws ConstraintError when the range is none
 */
export function selectByVersion<T>(
  items: Iterable<T>,
  range: string,
  o: { versionOf(item: T): string; compare(a: T, b: T): number },
): T | undefined {
  const fits = compileConstraint(range);
  let best: { item: T; version: SemVer } | undefined;
  for (const item of items) {
    const version = parseVersion(o.versionOf(item));
    if (version === undefined || !fits(version)) continue;
    const order = best === undefined ? 1 : version.compare(best.version);
    if (order > 0 || (order === 0 && best !== undefined && o.compare(item, best.item) > 0)) {
      best = { item, version };
    }
  }
  return best?.item;
}
