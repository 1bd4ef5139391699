import { type FileHandle, open, rm } from 'node:fs/promises';
import type { Dispatcher } from 'undici';
import { createHasher, parseDigest } from '../base/index.ts';
import { refusalIn } from '../net/refused-error.ts';

/** A download that failed; `retryable` says whether the same request may succeed later. */
export class DownloadError extends Error {
  override name = 'DownloadError';
  readonly retryable: boolean;

  constructor(message: string, retryable: boolean, cause?: unknown) {
    super(message, { cause });
    this.retryable = retryable;
  }
}

export interface DownloadOptions {
  url: string;
  /** The digest that the content must have, `algorithm:hex`. */
  digest: string;
  maxBytes: number;
  /** Content up to this many bytes stays in memory. */
  memoryBytes: number;
  /** Where larger content goes; the file must not exist. */
  spillPath: string;
  /** Milliseconds without any byte before the download is given up. */
  timeoutMs: number;
  /** How the server is reached; without, like any other. */
  dispatcher?: Dispatcher;
  /** Value of the header `Authorization`; none when absent. */
  authorization?: string;
  /** Where the content comes from in place of the server. */
  open?: () => AsyncIterable<Uint8Array>;
  signal?: AbortSignal;
}

/**
 * Downloads content and verifies its digest on the way. Redirects are not followed: an artifact's address is
 * written by a controller, and must not lead elsewhere.
 *
 * @returns the bytes when they are few, else the path of the file that holds them
 * @throws DownloadError; nothing is left behind then
 */
export async function download(o: DownloadOptions): Promise<Buffer | string> {
  const hash = await createHasher(parseDigest(o.digest).algorithm);
  const body = o.open === undefined ? (await get(o)).body : o.open();
  const chunks: Buffer[] = [];
  let size = 0;
  let file: FileHandle | undefined;
  try {
    for await (const part of body) {
      const chunk = part as Buffer;
      size += chunk.length;
      if (size > o.maxBytes) {
        throw new DownloadError(`the file is larger than ${o.maxBytes} bytes`, false);
      }
      hash.update(chunk);
      if (file === undefined && size > o.memoryBytes) {
        file = await open(o.spillPath, 'wx', 0o600);
        for (const earlier of chunks.splice(0)) await file.write(earlier);
      }
      if (file === undefined) chunks.push(chunk);
      else await file.write(chunk);
    }
    const actual = hash.digest();
    if (actual !== o.digest) {
      throw new DownloadError(`its digest is ${actual}, expected ${o.digest}`, true);
    }
  } catch (error) {
    await file?.close();
    if (file !== undefined) await rm(o.spillPath, { force: true });
    if (error instanceof DownloadError || o.signal?.aborted) throw error;
    throw new DownloadError(causeOf(error), true, error);
  }
  await file?.close();
  return file === undefined ? Buffer.concat(chunks) : o.spillPath;
}

async function get(o: DownloadOptions): Promise<Dispatcher.ResponseData> {
  // Loaded only when used: worker threads import this room too, and never download.
  const { request } = await import('undici');
  let response: Dispatcher.ResponseData;
  try {
    response = await request(o.url, {
      signal: o.signal,
      dispatcher: o.dispatcher,
      headersTimeout: o.timeoutMs,
      bodyTimeout: o.timeoutMs,
      ...(o.authorization !== undefined && { headers: { authorization: o.authorization } }),
    });
  } catch (error) {
    if (o.signal?.aborted) throw error;
    throw new DownloadError(causeOf(error), refusalIn(error) === undefined, error);
  }
  if (response.statusCode === 200) return response;
  await response.body.dump();
  const { statusCode: status } = response;
  const hint = [401, 403].includes(status) ? ': see --artifact-token-file' : '';
  const retryable = status >= 500 || status === 429;
  throw new DownloadError(`the server answered with status ${status}${hint}`, retryable);
}

function causeOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors[0] instanceof Error) {
    return error.errors[0].message;
  }
  return error instanceof Error ? error.message || error.name : String(error);
}
