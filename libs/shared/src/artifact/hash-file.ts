import { createReadStream } from 'node:fs';
import { createHasher, parseDigest } from '../base/index.ts';

/**
 * Computes the digest of a file.
 *
 * @param like a digest whose algorithm is to be used
 * @returns the digest as `algorithm:hex`
 * @throws RangeError when `like` is no digest of a known, strong algorithm
 */
export async function hashFile(path: string, like: string): Promise<string> {
  const hash = await createHasher(parseDigest(like).algorithm);
  for await (const chunk of createReadStream(path, { highWaterMark: 2 ** 18 })) {
    hash.update(chunk as Buffer);
  }
  return hash.digest();
}
