import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, gunzipSync } from 'node:zlib';
import { errorMessage } from '../base/index.ts';
import {
  ArchiveError,
  type ArchiveLimits,
  ArchiveReader,
  type ArchiveSink,
  defaultArchiveLimits,
  type MemoryFile,
  MemorySink,
  maxTarBytes,
} from './archive-reader.ts';
import { type ArchiveTask, archiveWorkers } from './archive-workers.ts';
import { DirectorySink } from './directory-sink.ts';
import type { TaskOptions } from './worker-pool.ts';

/** Archives up to this many compressed bytes are unpacked at once; a worker thread would cost more. */
export const inlineArchiveBytes = 256 * 1024;

export interface UnpackResult {
  files: number;
  /** Bytes of the files' contents. */
  bytes: number;
}

/**
 * Unpacks a `tar.gz` into an existing, empty directory, after checking every entry. Nothing is written outside
 * of the directory; after a failure its content is worthless. Large archives given as a path are unpacked in a
 * worker thread.
 *
 * @param source path of the archive, its bytes, or a stream
 * @param turn of the thread that unpacks a large archive
 * @throws ArchiveError when any entry is refused, the limits are exceeded or the archive is damaged
 */
export async function unpackArchive(
  source: string | Uint8Array | Readable,
  dir: string,
  limits: Partial<ArchiveLimits> = {},
  turn: TaskOptions = {},
): Promise<UnpackResult> {
  const all = { ...defaultArchiveLimits, ...limits };
  const small = await smallContent(source);
  if (small !== undefined) {
    const sink = new DirectorySink(dir);
    try {
      return feed(small, sink, all);
    } finally {
      sink.close();
    }
  }
  if (typeof source === 'string') {
    const task = { operation: 'unpack', source, dir, limits: all } satisfies ArchiveTask;
    return archiveWorkers.run<UnpackResult>(task, turn);
  }
  return withSink(dir, (sink) => unpackStream(source, sink, all));
}

/** Unpacks a file in the calling thread, whatever its size. For worker threads. */
export async function unpackFileHere(
  path: string,
  dir: string,
  limits: ArchiveLimits,
): Promise<UnpackResult> {
  return withSink(dir, (sink) =>
    unpackStream(createReadStream(path, { highWaterMark: 2 ** 18 }), sink, limits),
  );
}

async function withSink<T>(dir: string, use: (sink: DirectorySink) => Promise<T>): Promise<T> {
  const sink = new DirectorySink(dir);
  try {
    return await use(sink);
  } finally {
    sink.close();
  }
}

/**
 * Reads a small `tar.gz` into memory, after the same checks as {@link unpackArchive}.
 *
 * @returns the files in lexical order, or undefined when the archive is too large to be held in memory
 * @throws ArchiveError as {@link unpackArchive}
 */
export function readArchive(
  archive: Uint8Array,
  limits: Partial<ArchiveLimits> = {},
): MemoryFile[] | undefined {
  const tar = archive.length > inlineArchiveBytes ? undefined : gunzipSmall(archive);
  if (tar === undefined) return undefined;
  const sink = new MemorySink();
  feed(tar, sink, { ...defaultArchiveLimits, ...limits });
  return sink.files;
}

/**
 * Reads a `tar.gz` into memory in the calling thread, whatever its size within the limits. For worker threads.
 *
 * @returns the files in lexical order
 * @throws ArchiveError as {@link unpackArchive}
 */
export function readArchiveHere(archive: Uint8Array, limits: ArchiveLimits): MemoryFile[] {
  const sink = new MemorySink();
  feed(gunzipWithin(archive, limits.maxBytes), sink, limits);
  return sink.files;
}

/** What the event loop may be held up with: a small archive that grows beyond this goes the slow way. */
const inlineUnpackedBytes = 16 * 1024 * 1024;

/** The decompressed content of a small archive; undefined when it is, or grows, large. */
async function smallContent(source: string | Uint8Array | Readable): Promise<Buffer | undefined> {
  if (typeof source === 'string') {
    if ((await stat(source)).size > inlineArchiveBytes) return undefined;
    return gunzipSmall(await readFile(source));
  }
  if (!(source instanceof Uint8Array) || source.length > inlineArchiveBytes) return undefined;
  return gunzipSmall(source);
}

/**
 * Decompresses gzip in the calling thread.
 *
 * @param maxBytes limit of the content of the tar inside; its headers and padding may take as much again
 * @throws ArchiveError when it is larger or damaged
 */
export function gunzipWithin(bytes: Uint8Array, maxBytes: number): Buffer {
  try {
    return gunzipSync(bytes, { maxOutputLength: maxTarBytes(maxBytes) });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_BUFFER_TOO_LARGE') throw gzipError(error);
    throw new ArchiveError(`archive refused: it unpacks to more than ${maxBytes} bytes`);
  }
}

function gunzipSmall(bytes: Uint8Array): Buffer | undefined {
  try {
    return gunzipSync(bytes, { maxOutputLength: inlineUnpackedBytes });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') return undefined;
    throw gzipError(error);
  }
}

function feed(tar: Buffer, sink: ArchiveSink, limits: ArchiveLimits): UnpackResult {
  const reader = new ArchiveReader(sink, limits);
  reader.write(tar);
  reader.end();
  return { files: reader.files, bytes: reader.contentBytes };
}

async function unpackStream(
  source: Readable | Uint8Array,
  sink: ArchiveSink,
  limits: ArchiveLimits,
): Promise<UnpackResult> {
  const reader = new ArchiveReader(sink, limits);
  const input = source instanceof Uint8Array ? [source] : source;
  try {
    await pipeline(input, createGunzip({ chunkSize: 2 ** 16 }), async (chunks) => {
      for await (const chunk of chunks) reader.write(chunk as Buffer);
      reader.end();
    });
  } catch (error) {
    throw gzipError(error);
  }
  return { files: reader.files, bytes: reader.contentBytes };
}

function gzipError(error: unknown): Error {
  const code = (error as NodeJS.ErrnoException).code ?? '';
  if (code.startsWith('Z_')) {
    return new ArchiveError(`archive refused: ${errorMessage(error)}`, { cause: error });
  }
  return error as Error;
}
