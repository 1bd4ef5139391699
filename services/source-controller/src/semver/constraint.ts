import { comparePreReleases, compareVersions, parseLooseVersion, type Version } from './version.ts';

/** A range that cannot be understood. */
export class ConstraintError extends Error {
  override name = 'ConstraintError';
}

/** Tells whether a version is inside a range. */
export type Constraint = (version: Version) => boolean;

interface Comparator {
  operator: string;
  version: Version;
  /** A part was left out or is a wildcard. */
  partial: boolean;
  anyMinor: boolean;
  anyPatch: boolean;
}

/** Characters, comparators and groups of a range: reading it costs the square of the first, matching a version the others. */
const maxRangeLength = 512;
const maxComparators = 64;
const maxGroups = 32;

const part = '[0-9]+|[xX*]';
const label = '[0-9A-Za-z-]+(?:\\.[0-9A-Za-z-]+)*';
const versionText = `v?(${part})(?:\\.(${part}))?(?:\\.(${part}))?(-${label})?(\\+${label})?`;
const operators = '=>|=<|>=|<=|!=|~>|=|>|<|~|\\^';
/** Blanks as Go's expressions know them. */
const blank = '[\\t\\n\\f\\r ]';
const comparatorPattern = new RegExp(
  `^${blank}*(${operators})?${blank}*${versionText}(${blank}*,${blank}*|${blank}+|$)`,
);
const isBlank = new RegExp(`^${blank}*$`);
/** Looser than a version: what stands for one in a range of two. The bars are Masterminds/semver's, too. */
const loosePart = '[0-9|xX*]+';
const looseVersion = `v?${loosePart}(?:\\.${loosePart})?(?:\\.${loosePart})?(?:-${label})?(?:\\+${label})?`;
const hyphenRange = new RegExp(
  `${blank}*(${looseVersion})${blank}+-${blank}+(${looseVersion})${blank}*`,
  'g',
);
const wildcard = /^[xX*]$/;

/**
 * Compiles a range of versions with the meaning that Flux's users know, which is not npm's: a comma or a space
 * means and, `||` means or, and pre-releases match only when the range names one.
 *
 * @throws ConstraintError when the text is no range, or too long a one
 * @see https://github.com/Masterminds/semver#checking-version-constraints
 */
export function compileConstraint(text: string): Constraint {
  if (text.length > maxRangeLength) {
    throw new ConstraintError(
      `the range of versions has ${text.length} characters, more than ${maxRangeLength}`,
    );
  }
  const parts = text.replace(hyphenRange, '>= $1, <= $2 ').split('||');
  if (parts.length > maxGroups) {
    throw new ConstraintError(`'${text}' has more than ${maxGroups} alternatives`);
  }
  const groups = parts.map((group) => compileGroup(group, text));
  return (version) => groups.some((group) => group(version));
}

function compileGroup(group: string, whole: string): Constraint {
  let rest = group;
  const comparators: Comparator[] = [];
  while (!isBlank.test(rest)) {
    const match = comparatorPattern.exec(rest);
    if (match === null) throw notARange(whole);
    comparators.push(toComparator(match, whole));
    if (comparators.length > maxComparators) {
      throw new ConstraintError(`'${whole}' has more than ${maxComparators} comparisons in a row`);
    }
    rest = rest.slice(match[0].length);
    // A comma promises another comparator.
    if (match[0].trimEnd().endsWith(',') && rest === '') throw notARange(whole);
  }
  if (comparators.length === 0) throw notARange(whole);
  const preReleases = comparators.some((c) => c.version.preRelease.length > 0);
  return (version) => {
    if (version.preRelease.length > 0 && !preReleases) return false;
    return comparators.every((comparator) => matches(comparator, version));
  };
}

function notARange(text: string): ConstraintError {
  return new ConstraintError(`'${text}' is not a range of versions`);
}

function toComparator(match: RegExpExecArray, whole: string): Comparator {
  const [, operator = '', major = '', minor, patch, preRelease = ''] = match;
  const anyMajor = wildcard.test(major);
  const anyMinor = !anyMajor && (minor === undefined || wildcard.test(minor));
  const anyPatch = !anyMajor && !anyMinor && (patch === undefined || wildcard.test(patch));
  const numbers = anyMajor
    ? '0.0.0'
    : `${major}.${anyMinor ? 0 : minor}.${anyMinor || anyPatch ? 0 : patch}`;
  const version = parseLooseVersion(numbers + preRelease);
  if (version === undefined) throw new ConstraintError(`'${whole}' holds no valid version`);
  return { operator, version, partial: anyMajor || anyMinor || anyPatch, anyMinor, anyPatch };
}

function matches(c: Comparator, v: Version): boolean {
  const order = compareVersions(v, c.version);
  switch (c.operator) {
    case '':
    case '=':
      return c.partial ? tilde(c, v, order) : order === 0;
    case '!=':
      return notEqual(c, v, order);
    case '>':
      return greater(c, v, order);
    case '<':
      return order < 0;
    case '>=':
    case '=>':
      return order >= 0;
    case '<=':
    case '=<':
      return lessOrEqual(c, v, order);
    case '~':
    case '~>':
      return tilde(c, v, order);
    default:
      return caret(c, v, order);
  }
}

function notEqual(c: Comparator, v: Version, order: number): boolean {
  if (!c.partial) return order !== 0;
  if (v.major !== c.version.major) return true;
  if (c.anyMinor) return false;
  if (v.minor !== c.version.minor) return true;
  if (!c.anyPatch) return order !== 0;
  return comparePreReleases(v.preRelease, c.version.preRelease) !== 0;
}

function greater(c: Comparator, v: Version, order: number): boolean {
  if (!c.partial) return order > 0;
  if (v.major !== c.version.major) return v.major > c.version.major;
  if (c.anyMinor) return false;
  return c.anyPatch ? v.minor > c.version.minor : order > 0;
}

function lessOrEqual(c: Comparator, v: Version, order: number): boolean {
  if (!c.partial) return order <= 0;
  if (v.major !== c.version.major) return v.major < c.version.major;
  return c.anyMinor || v.minor <= c.version.minor;
}

function tilde(c: Comparator, v: Version, order: number): boolean {
  if (order < 0) return false;
  const { major, minor, patch } = c.version;
  const isZero = major === 0n && minor === 0n && patch === 0n;
  if (isZero && !c.anyMinor && !c.anyPatch) return true;
  return v.major === major && (c.anyMinor || v.minor === minor);
}

function caret(c: Comparator, v: Version, order: number): boolean {
  if (order < 0) return false;
  const { major, minor, patch } = c.version;
  if (major > 0n || c.anyMinor) return v.major === major;
  if (v.major > 0n) return false;
  if (minor > 0n || c.anyPatch) return v.minor === minor;
  return v.minor === 0n && v.patch === patch;
}
