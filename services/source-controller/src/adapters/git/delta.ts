// Part of PackReader, which says why this is own code.
import { ObjectSizeError, PackError } from './pack-error.ts';

/**
 * Rebuilds an object from its base and a delta.
 *
 * @param maxBytes limit of the result
 * @throws PackError when the delta does not fit the base or is damaged; ObjectSizeError when the result is too large
 * @see https://git-scm.com/docs/pack-format#_deltified_representation
 */
export function applyDelta(base: Buffer, delta: Buffer, maxBytes: number): Buffer {
  const baseSize = readSize(delta, 0);
  const resultSize = readSize(delta, baseSize.end);
  if (baseSize.value !== base.length) throw new PackError('a delta does not fit its base');
  if (resultSize.value > maxBytes) {
    throw new ObjectSizeError(`an object is larger than ${maxBytes} bytes`);
  }
  const result = Buffer.allocUnsafe(resultSize.value);
  let at = resultSize.end;
  let filled = 0;
  while (at < delta.length) {
    const code = delta[at++] as number;
    let piece: Buffer;
    if ((code & 0x80) !== 0) {
      const copy = readCopy(delta, at, code);
      at = copy.end;
      piece = base.subarray(copy.offset, copy.offset + copy.size);
      if (piece.length !== copy.size) throw new PackError('a delta copies beyond its base');
    } else if (code > 0) {
      piece = delta.subarray(at, at + code);
      if (piece.length !== code) throw new PackError('a delta is cut off');
      at += code;
    } else throw new PackError('a delta holds an unknown instruction');
    if (filled + piece.length > result.length) throw new PackError('a delta is too long');
    piece.copy(result, filled);
    filled += piece.length;
  }
  if (filled !== result.length) throw new PackError('a delta is too short');
  return result;
}

/** Sizes come in groups of seven bits, the lowest first. */
function readSize(buffer: Buffer, start: number): { value: number; end: number } {
  let value = 0;
  let scale = 1;
  for (let at = start; at < buffer.length && at < start + 8; at++) {
    const byte = buffer[at] as number;
    value += (byte & 0x7f) * scale;
    if ((byte & 0x80) === 0) return { value, end: at + 1 };
    scale *= 128;
  }
  throw new PackError('a delta has no valid size');
}

/** The low bits of the instruction say which bytes of offset and size follow. */
function readCopy(
  delta: Buffer,
  start: number,
  code: number,
): { offset: number; size: number; end: number } {
  let end = start;
  const field = (firstBit: number, bytes: number) => {
    let value = 0;
    for (let index = 0; index < bytes; index++) {
      if ((code & (firstBit << index)) === 0) continue;
      const byte = delta[end++];
      if (byte === undefined) throw new PackError('a delta is cut off');
      value += byte * 256 ** index;
    }
    return value;
  };
  const offset = field(0x01, 4);
  const size = field(0x10, 3);
  return { offset, size: size === 0 ? 0x10000 : size, end };
}
