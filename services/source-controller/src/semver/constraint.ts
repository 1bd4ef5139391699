import { parse, type SemVer } from 'semver';

/** A range that cannot be understood. */
export class ConstraintError extends Error {
  override name = 'ConstraintError';
}

/** Tells whether a version is inside a range. */
export type Constraint = (version: SemVer) => boolean;

interface Comparator {
  operator: string;
  version: SemVer;
  /** A part was left out or is a wildcard. */
  partial: boolean;
  anyMinor: boolean;
  anyPatch: boolean;
}

/** Characters and comparators of a range: reading it costs the square of the one, matching a version the other. */
const maxRangeLength = 512;
const maxComparators = 64;

const part = '[0-9]+|[xX*]';
const label = '[0-9A-Za-z-]+(?:\\.[0-9A-Za-z-]+)*';
const versionText = `v?(${part})(?:\\.(${part}))?(?:\\.(${part}))?(-${label})?(\\+${label})?`;
const operators = '=>|=<|>=|<=|!=|~>|=|>|<|~|\\^';
const comparatorPattern = new RegExp(`^\\s*(${operators})?\\s*${versionText}(\\s*,\\s*|\\s+|$)`);
const versionShape = `v?(?:${part})(?:\\.(?:${part}))?(?:\\.(?:${part}))?(?:-${label})?(?:\\+${label})?`;
const hyphenRange = new RegExp(`(${versionShape})\\s+-\\s+(${versionShape})`, 'g');
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
  const groups = text.split('||').map((group) => compileGroup(group, text));
  return (version) => groups.some((group) => group(version));
}

function compileGroup(group: string, whole: string): Constraint {
  let rest = group.replace(hyphenRange, '>=$1,<=$2');
  const comparators: Comparator[] = [];
  while (rest.trim() !== '') {
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
  const preReleases = comparators.some((c) => c.version.prerelease.length > 0);
  return (version) => {
    if (version.prerelease.length > 0 && !preReleases) return false;
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
  const version = parse(numbers + preRelease);
  if (version === null) throw new ConstraintError(`'${whole}' holds no valid version`);
  return { operator, version, partial: anyMajor || anyMinor || anyPatch, anyMinor, anyPatch };
}

function matches(c: Comparator, v: SemVer): boolean {
  switch (c.operator) {
    case '':
    case '=':
      return c.partial ? tilde(c, v) : v.compare(c.version) === 0;
    case '!=':
      return notEqual(c, v);
    case '>':
      return greater(c, v);
    case '<':
      return v.compare(c.version) < 0;
    case '>=':
    case '=>':
      return v.compare(c.version) >= 0;
    case '<=':
    case '=<':
      return lessOrEqual(c, v);
    case '~':
    case '~>':
      return tilde(c, v);
    default:
      return caret(c, v);
  }
}

function notEqual(c: Comparator, v: SemVer): boolean {
  if (!c.partial) return v.compare(c.version) !== 0;
  if (v.major !== c.version.major) return true;
  if (c.anyMinor) return false;
  if (v.minor !== c.version.minor) return true;
  return !c.anyPatch;
}

function greater(c: Comparator, v: SemVer): boolean {
  if (!c.partial) return v.compare(c.version) > 0;
  if (v.major !== c.version.major) return v.major > c.version.major;
  if (c.anyMinor) return false;
  return c.anyPatch && v.minor > c.version.minor;
}

function lessOrEqual(c: Comparator, v: SemVer): boolean {
  if (!c.partial) return v.compare(c.version) <= 0;
  if (v.major > c.version.major) return false;
  return !(v.major === c.version.major && v.minor > c.version.minor && !c.anyMinor);
}

function tilde(c: Comparator, v: SemVer): boolean {
  if (v.compare(c.version) < 0) return false;
  const { major, minor, patch } = c.version;
  if (major === 0 && minor === 0 && patch === 0 && !c.anyMinor && !c.anyPatch) return true;
  return v.major === major && (c.anyMinor || v.minor === minor);
}

function caret(c: Comparator, v: SemVer): boolean {
  if (v.compare(c.version) < 0) return false;
  const { major, minor, patch } = c.version;
  if (major > 0 || c.anyMinor) return v.major === major;
  if (v.major > 0) return false;
  if (minor > 0 || c.anyPatch) return v.minor === minor;
  return v.minor === 0 && v.patch === patch;
}
