import { createHash } from 'node:crypto';
import { type DigestAlgorithm, isDigestAlgorithm } from '@sluice/shared/base';
import type { StoredObject } from '../adapters/storage/object-storage.ts';

type Indexed = Pick<StoredObject, 'key' | 'etag'>;

/** The digest of keys and etags, as Flux computes it: a line for each object, by the bytes of their keys. */
export function revisionOf(objects: readonly Indexed[], algorithm: DigestAlgorithm): string {
  const hash = createHash(algorithm);
  const lines = objects.map(({ key, etag }) => ({ bytes: Buffer.from(key), key, etag }));
  lines.sort((a, b) => Buffer.compare(a.bytes, b.bytes));
  for (const { key, etag } of lines) hash.update(`${key} ${etag}\n`);
  return `${algorithm}:${hash.digest('hex')}`;
}

/** Tells whether a revision, whatever its algorithm, is that of these objects. */
export function isRevisionOf(revision: string, objects: readonly Indexed[]): boolean {
  const algorithm = revision.slice(0, Math.max(0, revision.indexOf(':')));
  return isDigestAlgorithm(algorithm) && revisionOf(objects, algorithm) === revision;
}
