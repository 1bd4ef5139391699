import { ArchiveError } from '@sluice/shared/artifact';

/** Kinds whose artifact can be a chart. */
export type ChartSourceKind = 'HelmChart' | 'OCIRepository' | 'ExternalArtifact';

interface Version {
  /** Major, minor and patch, with zeros for what was left out. */
  numbers: string;
  /** With the leading dash; empty when there is none. */
  preRelease: string;
}

const label = '[0-9A-Za-z-]+(?:\\.[0-9A-Za-z-]+)*';
const pattern = new RegExp(
  `^v?([0-9]+)(?:\\.([0-9]+))?(?:\\.([0-9]+))?(-${label})?(?:\\+${label})?$`,
);
/** Digits of the digest that go into a version. */
const digestLength = 12;

/** Reads a version as Helm does: a leading `v` and missing parts are fine. Undefined when it is none. */
function parseVersion(text: string): Version | undefined {
  const match = pattern.exec(text);
  if (match === null) return undefined;
  const [, major = '', minor = '0', patch = '0', preRelease = ''] = match;
  return { numbers: [major, minor, patch].map(BigInt).join('.'), preRelease };
}

function digestDigits(revision: string): string {
  const [, hex = '', ...rest] = revision.split(':');
  if (hex.length >= digestLength && rest.length === 0) return hex.slice(0, digestLength);
  throw new ArchiveError(`chart refused: the source's revision '${revision}' holds no digest`);
}

/**
 * Whether the revision of a source names the content by a digest, so that a tag that moved to another chart of the
 * same version shows.
 */
export function hasRevisionDigest(kind: ChartSourceKind, revision: string): boolean {
  return kind === 'OCIRepository' || (kind === 'ExternalArtifact' && revision.includes(':'));
}

/**
 * Puts the digest of a source's revision into the version of its chart, as build metadata: `1.2.3` of the revision
 * `1.2.3@sha256:0123456789abcdef…` becomes `1.2.3+0123456789ab`. Build metadata it had is replaced.
 *
 * @returns the version, and the digest for `status.lastAttemptedRevisionDigest`
 * @throws ArchiveError when the revision has no digest, or its tag is another version than the chart's
 */
export function trackDigest(
  version: string,
  revision: string,
): { version: string; revisionDigest: string } {
  const parsed = parseVersion(version);
  if (parsed === undefined) {
    throw new ArchiveError(`chart refused: its version '${version}' is not a semantic version`);
  }
  const [tag = '', digest, ...rest] = revision.split('@');
  // Tags cannot hold a plus: Helm writes an underscore instead.
  const tagVersion = parseVersion(digest === undefined ? tag : tag.replaceAll('_', '+'));
  const fits =
    tagVersion?.numbers === parsed.numbers && tagVersion.preRelease === parsed.preRelease;
  if (tagVersion !== undefined && (digest === undefined || rest.length > 0 || !fits)) {
    throw new ArchiveError(
      `chart refused: the source's revision '${tag}' does not match the version '${version}' of the chart`,
    );
  }
  const revisionDigest = tagVersion === undefined ? revision : (digest as string);
  const metadata = digestDigits(revisionDigest);
  return { version: `${parsed.numbers}${parsed.preRelease}+${metadata}`, revisionDigest };
}
