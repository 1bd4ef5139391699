/** Longer texts are no versions to Go's library either. */
const maxVersionLength = 256;
const maxNumber = 2n ** 64n - 1n;

const label = '[0-9A-Za-z-]+(?:\\.[0-9A-Za-z-]+)*';
const pattern = new RegExp(
  `^v?([0-9]+)(?:\\.([0-9]+))?(?:\\.([0-9]+))?(?:-(${label}))?(?:\\+(${label}))?$`,
);

/** A semantic version. Its numbers have 64 bits, as some are dates and times. */
export interface Version {
  major: bigint;
  minor: bigint;
  patch: bigint;
  /** What is after the dash, cut at the dots; empty for a release. */
  preRelease: string[];
}

/**
 * Parses a version as Masterminds/semver does when it is not strict: a leading `v` is allowed, so are zeros before a
 * number, as in calendar versions, and what is left out after the first number counts as zero.
 *
 * @returns undefined when it is none
 */
export function parseLooseVersion(text: string): Version | undefined {
  const match = text.length > maxVersionLength ? null : pattern.exec(text);
  if (match === null) return undefined;
  const [, major = '', minor = '0', patch = '0', label = ''] = match;
  const version = { major: BigInt(major), minor: BigInt(minor), patch: BigInt(patch) };
  if (Object.values(version).some((number) => number > maxNumber)) return undefined;
  const preRelease = label === '' ? [] : label.split('.');
  return preRelease.some((part) => /^0[0-9]+$/.test(part)) ? undefined : { ...version, preRelease };
}

/**
 * Parses a version that has all three numbers, as {@link parseLooseVersion}: what Flux takes for a version among tags.
 *
 * @returns undefined when it is none
 */
export function parseVersion(text: string): Version | undefined {
  // The dots of a pre-release count, as they do in Flux: `1.0-rc.1` has three parts.
  return text.split('.', 3).length === 3 ? parseLooseVersion(text) : undefined;
}

/** Formats a version in its complete form, without build metadata. */
export function formatVersion({ major, minor, patch, preRelease }: Version): string {
  const numbers = `${major}.${minor}.${patch}`;
  return preRelease.length === 0 ? numbers : `${numbers}-${preRelease.join('.')}`;
}

/**
 * Sets the build metadata of a version, in place of what it had.
 *
 * @returns the version in its complete form, without a leading `v`; undefined when the text is no version
 */
export function withBuildMetadata(text: string, metadata: string): string | undefined {
  const version = parseLooseVersion(text);
  return version === undefined ? undefined : `${formatVersion(version)}+${metadata}`;
}

/** Orders versions; build metadata does not count. Negative when `a` is the lower one. */
export function compareVersions(a: Version, b: Version): number {
  return (
    order(a.major, b.major) ||
    order(a.minor, b.minor) ||
    order(a.patch, b.patch) ||
    comparePreReleases(a.preRelease, b.preRelease)
  );
}

function order<T extends bigint | string>(a: T, b: T): number {
  return a < b ? -1 : Number(a > b);
}

/** Orders pre-releases of the same numbers; none at all is the highest. */
export function comparePreReleases(a: readonly string[], b: readonly string[]): number {
  if (a.length === 0 || b.length === 0) return Number(a.length === 0) - Number(b.length === 0);
  for (const [index, part] of a.entries()) {
    const other = b[index];
    if (other === undefined) return 1;
    const result = compareParts(part, other);
    if (result !== 0) return result;
  }
  return a.length - b.length;
}

/** Numbers come before words. */
function compareParts(a: string, b: string): number {
  const [isNumberA, isNumberB] = [isNumber(a), isNumber(b)];
  if (isNumberA && isNumberB) return order(BigInt(a), BigInt(b));
  return Number(isNumberB) - Number(isNumberA) || order(a, b);
}

function isNumber(part: string): boolean {
  return /^[0-9]{1,20}$/.test(part) && BigInt(part) <= maxNumber;
}
