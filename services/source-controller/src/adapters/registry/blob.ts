import { createHash } from 'node:crypto';
import { type FileHandle, open, rm } from 'node:fs/promises';
import { parseDigest } from '@sluice/shared/base';
import type { RegistryClient } from './client.ts';
import { type Descriptor, ManifestError } from './manifest.ts';

/**
 * Downloads a blob and verifies its digest on the way.
 *
 * @param o.memoryBytes blobs up to this size are returned, larger ones go to the file
 * @param o.path where a large blob goes; the file must not exist, and does not after a failure
 * @returns the bytes, or the path
 * @throws ManifestError when size or digest differ from the descriptor's
 */
export async function fetchBlob(
  client: RegistryClient,
  blob: Descriptor,
  o: { memoryBytes: number; path: string; maxBytes: number },
): Promise<Buffer | string> {
  if (blob.size > o.maxBytes) {
    throw new ManifestError(`layer ${blob.digest} is larger than ${o.maxBytes} bytes`);
  }
  const { algorithm, hex } = parseDigest(blob.digest);
  const response = await client.request('GET', `blobs/${blob.digest}`);
  const hash = createHash(algorithm);
  const chunks: Buffer[] = [];
  const toFile = blob.size > o.memoryBytes;
  const file: FileHandle | undefined = toFile ? await open(o.path, 'wx', 0o600) : undefined;
  let size = 0;
  try {
    for await (const part of response.body) {
      const chunk = part as Buffer;
      size += chunk.length;
      if (size > blob.size) break;
      hash.update(chunk);
      if (file === undefined) chunks.push(chunk);
      else await file.write(chunk);
    }
    if (size !== blob.size || hash.digest('hex') !== hex) {
      throw new ManifestError(`the registry sent other content than that of ${blob.digest}`);
    }
  } catch (error) {
    await file?.close();
    if (file !== undefined) await rm(o.path, { force: true });
    throw error;
  }
  await file?.close();
  return file === undefined ? Buffer.concat(chunks) : o.path;
}
