import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import type { PackResult } from '@sluice/shared/artifact';
import { createHasher, type DigestAlgorithm } from '@sluice/shared/base';

/**
 * Writes content to a new file and makes it durable.
 *
 * @param content the bytes, or the path of the file that holds them
 * @throws the signal's reason when it aborts; the file is worthless then
 */
export async function writeContent(
  content: Uint8Array | string,
  destination: string,
  { algorithm, signal }: { algorithm: DigestAlgorithm; signal?: AbortSignal },
): Promise<PackResult> {
  const hash = await createHasher(algorithm);
  const file = await open(destination, 'wx', 0o600);
  let size = 0;
  try {
    const chunks = typeof content === 'string' ? createReadStream(content) : [content];
    for await (const chunk of chunks) {
      signal?.throwIfAborted();
      hash.update(chunk as Buffer);
      size += (chunk as Buffer).length;
      await file.write(chunk as Buffer);
    }
    await file.sync();
  } finally {
    await file.close();
  }
  return { digest: hash.digest(), size };
}
