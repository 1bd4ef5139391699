import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { stat } from 'node:fs/promises';

/** A received pack: in memory while small, else in a file. */
export type StoredPack = { bytes: Buffer } | { path: string };

/**
 * Packs up to this many bytes, some thousands of manifests, stay in memory and are read by the calling thread; a
 * worker thread costs 40 MiB.
 */
export const inlinePackBytes = 1024 * 1024;

/** Bytes of a received pack. */
export async function packBytes(pack: StoredPack): Promise<number> {
  return 'bytes' in pack ? pack.bytes.length : (await stat(pack.path)).size;
}

/** Random access to the bytes of a pack. */
export interface PackSource {
  readonly length: number;
  /** Returns at most `length` bytes from `offset`, fewer at the end. */
  slice(offset: number, length: number): Buffer;
  close(): void;
}

/** Opens a received pack. Reads of a file are synchronous: they belong in a worker thread. */
export function openPack(pack: StoredPack): PackSource {
  if ('bytes' in pack) {
    const bytes = Buffer.from(pack.bytes.buffer, pack.bytes.byteOffset, pack.bytes.byteLength);
    return {
      length: bytes.length,
      slice: (offset, length) => bytes.subarray(offset, offset + length),
      close: () => undefined,
    };
  }
  const file = openSync(pack.path, 'r');
  const size = fstatSync(file).size;
  return {
    length: size,
    slice: (offset, length) => readFrom(file, offset, Math.min(length, size - offset)),
    close: () => closeSync(file),
  };
}

function readFrom(file: number, offset: number, length: number): Buffer {
  const buffer = Buffer.allocUnsafe(Math.max(0, length));
  let filled = 0;
  while (filled < buffer.length) {
    const read = readSync(file, buffer, filled, buffer.length - filled, offset + filled);
    if (read === 0) break;
    filled += read;
  }
  return buffer.subarray(0, filled);
}
