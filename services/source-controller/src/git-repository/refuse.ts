import type { GitRepository } from '@sluice/shared/api';
import { redactUrl, StalledError } from '@sluice/shared/base';
import { refNameProblem } from '../adapters/git/refs.ts';
import { sshProblem } from '../adapters/git/repository-address.ts';
import { invalidReferenceReason, urlInvalidReason } from '../source/names.ts';
import { refuseServiceAccount } from '../source/refuse.ts';
import { invalidProviderReason } from './provider-login.ts';

type Spec = GitRepository['spec'];

const commitPattern = /^[0-9a-f]{40}$/;

/**
 * Refuses what cannot be done as asked, before anything is done.
 *
 * @returns the address of the repository
 * @throws StalledError that names the field, its value and the fix
 */
export function checkSpec(spec: Spec, o: { isObjectLevel: boolean }): URL {
  refuseServiceAccount(spec.serviceAccountName, o.isObjectLevel);
  checkRef(spec.ref ?? {});
  const url = checkUrl(spec.url);
  if (url.protocol === 'ssh:') checkSsh(url, spec);
  return url;
}

function checkUrl(text: string): URL {
  const url = URL.parse(text);
  if (url === null || url.hostname === '') {
    throw new StalledError(
      urlInvalidReason,
      'spec.url is not a valid URL: it must look like https://<host>/<path>',
    );
  }
  if (!['http:', 'https:', 'ssh:'].includes(url.protocol)) {
    throw new StalledError(
      urlInvalidReason,
      `spec.url '${redactUrl(text)}' must start with https://, http:// or ssh://`,
    );
  }
  return url;
}

function checkSsh(url: URL, { provider = 'generic' }: Spec): void {
  if (provider !== 'generic') {
    throw new StalledError(
      invalidProviderReason,
      `spec.provider '${provider}' logs in over https:// only, and not over ssh://: change spec.url, or leave it out`,
    );
  }
  const problem = sshProblem(url);
  if (problem !== undefined) throw new StalledError(urlInvalidReason, `spec.url ${problem}`);
}

function checkRef(ref: NonNullable<Spec['ref']>): void {
  for (const field of ['branch', 'tag', 'name'] as const) {
    const value = ref[field];
    const problem = value === undefined || value === '' ? undefined : refNameProblem(value);
    if (problem !== undefined) {
      throw new StalledError(invalidReferenceReason, `spec.ref.${field} '${value}' ${problem}`);
    }
  }
  if (ref.commit && !commitPattern.test(ref.commit)) {
    throw new StalledError(
      invalidReferenceReason,
      `spec.ref.commit '${ref.commit}' must be a full SHA-1 of 40 lower-case hexadecimal digits`,
    );
  }
}
