import { createHasher, type DigestAlgorithm, isDigestAlgorithm } from '@sluice/shared/base';
import type { StoredObject } from '../adapters/storage/object-storage.ts';

type Indexed = Pick<StoredObject, 'key' | 'etag'>;

/** The digest of keys and etags, as Flux computes it: a line for each object, by the bytes of their keys. */
export async function revisionOf(
  objects: readonly Indexed[],
  algorithm: DigestAlgorithm,
): Promise<string> {
  const hash = await createHasher(algorithm);
  const lines = objects.map(({ key, etag }) => ({ bytes: Buffer.from(key), key, etag }));
  lines.sort((a, b) => Buffer.compare(a.bytes, b.bytes));
  for (const { key, etag } of lines) hash.update(Buffer.from(`${key} ${etag}\n`));
  return hash.digest();
}

/** Tells whether a revision, whatever its algorithm, is that of these objects. */
export async function isRevisionOf(
  revision: string,
  objects: readonly Indexed[],
): Promise<boolean> {
  const algorithm = revision.slice(0, Math.max(0, revision.indexOf(':')));
  return isDigestAlgorithm(algorithm) && (await revisionOf(objects, algorithm)) === revision;
}
