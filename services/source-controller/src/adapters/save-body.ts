import { type FileHandle, open, rm } from 'node:fs/promises';
import { createHasher, type DigestAlgorithm, parseDigest, redactUrl } from '@sluice/shared/base';
import { HttpError } from './http.ts';

/** A downloaded body. */
export interface SavedBody {
  /** The bytes, or the path of the file that holds them. */
  content: Buffer | string;
  size: number;
  /** Hexadecimal digits of the digest. */
  hex: string;
}

/** A body that is larger than allowed. */
export class BodyTooLargeError extends HttpError {
  override name = 'BodyTooLargeError';
}

/** Bytes that are gathered for one write: each takes a turn in another thread. */
const blockBytes = 1024 * 1024;

export interface SaveOptions {
  /** Bodies up to this size are kept in memory, larger ones go to the file. */
  memoryBytes: number;
  /** Where a large body goes; the file must not exist, and does not after a failure. */
  path: string;
  maxBytes: number;
  algorithm?: DigestAlgorithm;
}

/**
 * Reads a body to its end, computing its digest on the way.
 *
 * @throws BodyTooLargeError as soon as it is larger than allowed
 */
export async function saveBody(
  response: { body: AsyncIterable<unknown>; url: URL },
  o: SaveOptions,
): Promise<SavedBody> {
  const hash = await createHasher(o.algorithm ?? 'sha256');
  const chunks: Buffer[] = [];
  let file: FileHandle | undefined;
  let size = 0;
  let held = 0;
  try {
    for await (const part of response.body) {
      const chunk = part as Buffer;
      size += chunk.length;
      if (size > o.maxBytes) {
        throw new BodyTooLargeError(
          `${redactUrl(response.url.href)}: answer is over ${o.maxBytes} bytes`,
        );
      }
      hash.update(chunk);
      chunks.push(chunk);
      held += chunk.length;
      if (size <= o.memoryBytes || (file !== undefined && held < blockBytes)) continue;
      file ??= await open(o.path, 'wx', 0o600);
      await file.appendFile(Buffer.concat(chunks.splice(0)));
      held = 0;
    }
    await file?.appendFile(Buffer.concat(chunks));
  } catch (error) {
    await file?.close();
    if (file !== undefined) await rm(o.path, { force: true });
    throw error;
  }
  await file?.close();
  const content = file === undefined ? Buffer.concat(chunks) : o.path;
  return { content, size, hex: parseDigest(hash.digest()).hex };
}
