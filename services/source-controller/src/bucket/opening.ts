import type { StorageDoor } from '../adapters/storage/storage-request.ts';
import { callerOf, type NetworkPath } from '../source/cloud.ts';
import type { SecretData } from '../source/secrets.ts';
import type { BucketContext, BucketDeps } from './deps.ts';

/** What opening a bucket needs, its Secrets read. */
export interface Opening {
  context: BucketContext;
  deps: BucketDeps;
  /** The Secret of `spec.secretRef`. */
  secret?: SecretData;
  /** To the storage. */
  door: StorageDoor;
  /** To services that give logins: through the same proxy, but without the TLS material of the storage. */
  path: NetworkPath;
  /** What lets others read tokens that are sent to the storage. */
  exposedBy?: string | undefined;
}

/** As whom the identity of a Bucket logs in. */
export function bucketCaller({ context, path, exposedBy }: Opening) {
  const { serviceAccountName } = context.object.spec;
  return callerOf(context, path, { serviceAccountName, exposedBy });
}
