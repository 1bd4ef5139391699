import { parse, type SemVer } from 'semver';
import { maxVersionLength } from './select-version.ts';

const pattern =
  /^v?(\d{1,15})(?:\.(\d{1,15}))?(?:\.(\d{1,15}))?(-[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?(\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?$/;

/**
 * Parses a version the way Helm does for charts: a leading `v` is allowed, and what is left out after the first
 * number counts as zero.
 *
 * @returns undefined when it is none
 */
export function parseLooseVersion(text: string): SemVer | undefined {
  const match = text.length > maxVersionLength ? null : pattern.exec(text);
  if (match === null) return undefined;
  const [, major, minor = '0', patch = '0', preRelease = '', build = ''] = match;
  const numbers = [major, minor, patch].map(Number).join('.');
  return parse(numbers + preRelease + build) ?? undefined;
}

/**
 * Sets the build metadata of a version, in place of what it had.
 *
 * @returns the version in its complete form, without a leading `v`; undefined when the text is no version
 */
export function withBuildMetadata(text: string, metadata: string): string | undefined {
  const version = parseLooseVersion(text);
  return version === undefined ? undefined : `${version.version}+${metadata}`;
}
