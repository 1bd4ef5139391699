import type { Bucket } from '@sluice/shared/api';
import { StalledError } from '@sluice/shared/base';
import { urlInvalidReason } from '../source/names.ts';
import { refuseServiceAccount } from '../source/refuse.ts';

type Spec = Bucket['spec'];

/**
 * Refuses what cannot be done as asked, before anything is done.
 *
 * @throws StalledError that names the field, its value and the fix
 */
export function checkSpec(spec: Spec, o: { isObjectLevel: boolean }): void {
  refuseServiceAccount(spec.serviceAccountName, o.isObjectLevel);
  endpointOf(spec);
  if (spec.bucketName !== '') return;
  throw new StalledError(urlInvalidReason, 'spec.bucketName must not be empty: name the bucket');
}

/**
 * Reads `spec.endpoint`: an address for azure, a host for the others.
 *
 * @throws StalledError `URLInvalid`
 */
export function endpointOf({ provider, endpoint, insecure = false }: Spec): URL {
  if (provider === 'azure') return accountAddress(endpoint, insecure);
  const url = URL.parse(`${insecure ? 'http' : 'https'}://${endpoint}`);
  const isHost =
    url !== null &&
    `${url.username}${url.password}${url.search}${url.hash}` === '' &&
    url.pathname === '/' &&
    !endpoint.includes('/');
  if (isHost) return url;
  throw new StalledError(
    urlInvalidReason,
    `spec.endpoint must be a host, with its port if it has one, such as s3.amazonaws.com, and neither scheme nor path: spec.insecure chooses http`,
  );
}

function accountAddress(endpoint: string, insecure: boolean): URL {
  const url = URL.parse(endpoint);
  if (url === null || !['http:', 'https:'].includes(url.protocol) || url.username !== '') {
    throw new StalledError(
      urlInvalidReason,
      'spec.endpoint must be the address of a storage account, such as https://<account>.blob.core.windows.net',
    );
  }
  if (url.protocol === 'http:' && !insecure) {
    throw new StalledError(
      urlInvalidReason,
      'spec.endpoint is http://, which spec.insecure does not allow: write https://, or set it',
    );
  }
  return url;
}
