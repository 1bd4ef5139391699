// Part of PackReader, which says why this is own code.
import { ObjectSizeError, PackError } from './pack-error.ts';
import type { PackSource } from './pack-source.ts';

export type ObjectType = 'commit' | 'tree' | 'blob' | 'tag';

/** An object of a pack as it is stored. */
export interface PackEntry {
  type: ObjectType | 'offset-delta' | 'name-delta';
  /** Where the compressed data starts. */
  data: number;
  /** Bytes of the data, decompressed. */
  size: number;
  /** Offset or name of a delta's base. */
  base?: number | string;
}

const types: Record<number, PackEntry['type']> = {
  1: 'commit',
  2: 'tree',
  3: 'blob',
  4: 'tag',
  6: 'offset-delta',
  7: 'name-delta',
};
const nameBytes = 20;
/** Longest header of an entry: type and size, and the base's name or offset. */
const maxHeaderBytes = 40;

/**
 * Reads the header of the entry at an offset.
 *
 * @param maxBytes limit of the size it may declare
 * @throws PackError when it is damaged; ObjectSizeError when it is over the limit
 * @see https://git-scm.com/docs/pack-format
 */
export function readEntry(source: PackSource, offset: number, maxBytes: number): PackEntry {
  const head = new ByteReader(source.slice(offset, maxHeaderBytes));
  const first = head.next();
  const type = types[(first >> 4) & 7];
  if (type === undefined) throw new PackError('it holds an object of an unknown type');
  const size = readSize(head, first, maxBytes);
  if (type === 'offset-delta') {
    const distance = readDistance(head);
    if (distance === 0 || distance > offset) throw new PackError('a delta has no base');
    return { type, size, base: offset - distance, data: offset + head.at };
  }
  if (type === 'name-delta') {
    const base = head.take(nameBytes).toString('hex');
    return { type, size, base, data: offset + head.at };
  }
  return { type, size, data: offset + head.at };
}

/** The low four bits, then groups of seven, the lowest first. */
function readSize(head: ByteReader, first: number, maxBytes: number): number {
  let byte = first;
  let size = byte & 0x0f;
  for (let scale = 16; (byte & 0x80) !== 0; scale *= 128) {
    byte = head.next();
    size += (byte & 0x7f) * scale;
    if (size > maxBytes) throw new ObjectSizeError(`an object is larger than ${maxBytes} bytes`);
  }
  return size;
}

/** Groups of seven bits, the highest first; each further group adds one, so that no value has two forms. */
function readDistance(head: ByteReader): number {
  let byte = head.next();
  let distance = byte & 0x7f;
  while ((byte & 0x80) !== 0) {
    byte = head.next();
    distance = (distance + 1) * 128 + (byte & 0x7f);
  }
  return distance;
}

class ByteReader {
  readonly #bytes: Buffer;
  at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  next(): number {
    const byte = this.#bytes[this.at++];
    if (byte === undefined) throw new PackError('it is cut off');
    return byte;
  }

  take(length: number): Buffer {
    const taken = this.#bytes.subarray(this.at, this.at + length);
    this.at += length;
    return taken;
  }
}
