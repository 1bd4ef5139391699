import type { HelmRelease } from '@sluice/shared/api';
import { StalledError, sha256Hex } from '@sluice/shared/base';

/** Longest name of a release, which leaves room for what charts append within the 63 characters of a label. */
const maxLength = 53;
const hashLength = 12;

const namePattern = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

/** Returns a name of at most 53 characters: of a longer one the first 40, a dash and 12 digits of its checksum. */
export function shortenName(name: string): string {
  if (name.length <= maxLength) return name;
  const hash = sha256Hex(name).slice(0, hashLength);
  return `${name.slice(0, maxLength - hashLength - 1)}-${hash}`;
}

/**
 * Returns the name of the release that an object asks for: `spec.releaseName`, else `[<targetNamespace>-]<name>`,
 * shortened. Helm may allow no such name.
 */
export function wantedNameOf({ metadata, spec }: HelmRelease): string {
  const prefix = spec.targetNamespace ? `${spec.targetNamespace}-` : '';
  return shortenName(spec.releaseName || `${prefix}${metadata.name}`);
}

/** Tells whether Helm allows a name. */
export function isReleaseName(name: string): boolean {
  return namePattern.test(name);
}

/**
 * Returns the name of the release of an object, see {@link wantedNameOf}.
 *
 * @throws StalledError `InvalidReleaseName` when Helm allows no such name
 */
export function releaseNameOf(object: HelmRelease): string {
  const name = wantedNameOf(object);
  if (!isReleaseName(name)) {
    throw new StalledError(
      'InvalidReleaseName',
      `'${name}' is no name of a Helm release: set spec.releaseName to lower-case letters, digits, dashes and dots that starts and ends with a letter or a digit`,
    );
  }
  return name;
}

/** Returns the namespace into which the release goes. */
export function releaseNamespaceOf({ metadata, spec }: HelmRelease): string {
  return spec.targetNamespace || (metadata.namespace ?? '');
}

/** Returns the namespace that holds the records of the release. */
export function storageNamespaceOf({ metadata, spec }: HelmRelease): string {
  return spec.storageNamespace || (metadata.namespace ?? '');
}
