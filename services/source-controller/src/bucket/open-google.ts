import { StalledError } from '@sluice/shared/base';
import { gcpKeyIn, gcpKeyToken } from '@sluice/shared/cloud';
import { GoogleStorage } from '../adapters/storage/google-storage.ts';
import type { ObjectStorage } from '../adapters/storage/object-storage.ts';
import { urlInvalidReason } from '../source/names.ts';
import { bucketCaller, type Opening } from './opening.ts';
import { endpointOf } from './refuse.ts';

const readScope = 'https://www.googleapis.com/auth/devstorage.read_only';
const googleForm = /(?:^|\.)googleapis\.com$/;

/** Opens a bucket of Google Cloud Storage. */
export async function openGoogle(opening: Opening): Promise<ObjectStorage> {
  const { spec } = opening.context.object;
  const endpoint = endpointOf(spec);
  const { bucketName: bucket } = spec;
  return new GoogleStorage({
    ...opening.door,
    endpoint,
    bucket,
    token: tokenOf(opening, endpoint),
  });
}

function tokenOf(opening: Opening, endpoint: URL): () => Promise<string> {
  const { deps, secret } = opening;
  const caller = bucketCaller(opening);
  if (secret === undefined) {
    // A token of the controller, or of a ServiceAccount, would be of use to whoever gets it.
    if (endpoint.protocol === 'https:' && googleForm.test(endpoint.hostname)) {
      return () => deps.identities.gcp(caller);
    }
    throw new StalledError(
      urlInvalidReason,
      'spec.endpoint must be https and of googleapis.com to log in there with an identity: write storage.googleapis.com, or name a key in spec.secretRef',
    );
  }
  const where = `serviceaccount in secret '${secret.id}'`;
  const text = secret.values['serviceaccount'] ?? '';
  return () => {
    const key = gcpKeyIn(text, where);
    return deps.identities.issued(caller, ['gcp-key', text], (door) =>
      gcpKeyToken(key, { scopes: [readScope], where }, door),
    );
  };
}
