import { rm } from 'node:fs/promises';
import { parseDigest } from '@sluice/shared/base';
import { BodyTooLargeError, type SaveOptions, saveBody } from '../save-body.ts';
import type { RegistryClient } from './client.ts';
import { type Descriptor, ManifestError } from './manifest.ts';
import { resumedBody } from './resumed-body.ts';

/**
 * Downloads a blob and verifies its digest on the way; a connection that breaks is taken up again.
 *
 * @returns the bytes, or the path of the file that holds them
 * @throws ManifestError when size or digest differ from the descriptor's
 */
export async function fetchBlob(
  client: RegistryClient,
  blob: Descriptor,
  o: Pick<SaveOptions, 'memoryBytes' | 'path' | 'maxBytes'>,
): Promise<Buffer | string> {
  if (blob.size > o.maxBytes) {
    throw new ManifestError(`layer ${blob.digest} is larger than ${o.maxBytes} bytes`);
  }
  const { algorithm, hex } = parseDigest(blob.digest);
  const path = `blobs/${blob.digest}`;
  const response = await client.request('GET', path);
  const body = resumedBody(client, path, response, blob.size);
  const other = new ManifestError(`the registry sent other content than that of ${blob.digest}`);
  const limits = { ...o, maxBytes: blob.size, algorithm };
  const saved = await saveBody({ body, url: response.url }, limits).catch((error: unknown) => {
    throw error instanceof BodyTooLargeError ? other : error;
  });
  if (saved.size === blob.size && saved.hex === hex) return saved.content;
  if (typeof saved.content === 'string') await rm(saved.content, { force: true });
  throw other;
}
