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
  const fits = compileConstraint(range);
  let best: { text: string; version: SemVer } | undefined;
  for (const text of texts) {
    const version = parseVersion(text);
    if (version === undefined || !fits(version)) continue;
    const order = best === undefined ? 1 : version.compare(best.version);
    // Versions that differ in build metadata alone are equal; the text decides, so that the choice is stable.
    if (order > 0 || (order === 0 && best !== undefined && text > best.text)) {
      best = { text, version };
    }
  }
  return best?.text;
}
