import type { OCIRepository } from '@sluice/shared/api';
import { errorMessage, parseDigest, StalledError } from '@sluice/shared/base';
import {
  AddressError,
  isTag,
  parseRepositoryUrl,
  type RepositoryAddress,
} from '../adapters/registry/reference.ts';
import { compileConstraint } from '../semver/constraint.ts';
import { compileFilter } from '../semver/filter.ts';
import { invalidReferenceReason, urlInvalidReason } from '../source/names.ts';
import { refuseServiceAccount } from '../source/refuse.ts';
import { checkVerifySpec } from '../verification/check-spec.ts';
import type { OciContext, OciRepositoryDeps } from './deps.ts';

/**
 * Refuses what cannot be done as asked, before anything is done: above all, never an artifact without the
 * verification that was asked for.
 *
 * @returns the repository
 * @throws StalledError that names the field, its value and the fix
 */
export function checkSpec(
  context: OciContext,
  deps: OciRepositoryDeps,
  spec: OCIRepository['spec'],
): RepositoryAddress {
  checkVerifySpec(context, spec.verify, deps.verification);
  if ((spec.provider ?? 'generic') !== 'generic') {
    refuseServiceAccount(spec.serviceAccountName, deps.isObjectLevel);
  }
  checkRef(spec.ref ?? {});
  try {
    return parseRepositoryUrl(spec.url, spec.insecure ?? false);
  } catch (cause) {
    if (!(cause instanceof AddressError)) throw cause;
    throw new StalledError(urlInvalidReason, `spec.url ${cause.message}`, { cause });
  }
}

/** Characters of a refused value in the message. */
const maxShownLength = 80;

function checkRef(ref: NonNullable<OCIRepository['spec']['ref']>): void {
  const { tag, semver, semverFilter, digest } = ref;
  check('digest', digest, (text) => parseDigest(text));
  check('semver', semver, compileConstraint);
  check('semverFilter', semverFilter, compileFilter);
  if (tag && !isTag(tag)) {
    throw new StalledError(invalidReferenceReason, `spec.ref.tag '${tag}' is not a valid tag`);
  }
}

function check(field: string, value: string | undefined, parse: (text: string) => unknown): void {
  if (!value) return;
  try {
    parse(value);
  } catch (cause) {
    throw new StalledError(
      invalidReferenceReason,
      `spec.ref.${field} '${shorten(value)}': ${errorMessage(cause)}`,
      { cause },
    );
  }
}

/** A condition's message has room for the start of a long value. */
function shorten(value: string): string {
  return value.length > maxShownLength ? `${value.slice(0, maxShownLength)}...` : value;
}
