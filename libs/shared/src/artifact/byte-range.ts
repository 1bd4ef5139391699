/** A part of a file; both ends are included. */
export interface ByteRange {
  start: number;
  end: number;
}

/**
 * Reads a `Range` header with one range of bytes.
 *
 * @param size of the file in bytes
 * @returns undefined when the whole file is to be sent, as for several ranges or what is none; `outside` when nothing of
 *   the file is in it
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-14.2
 */
export function readByteRange(
  header: string | undefined,
  size: number,
): ByteRange | 'outside' | undefined {
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? '');
  const [, first = '', last = ''] = match ?? [];
  if (match === null || first + last === '') return undefined;
  if (first === '') {
    const length = Math.min(Number(last), size);
    return length === 0 ? 'outside' : { start: size - length, end: size - 1 };
  }
  const start = Number(first);
  const end = last === '' ? size - 1 : Math.min(Number(last), size - 1);
  if (last !== '' && Number(last) < start) return undefined;
  return start >= size ? 'outside' : { start, end };
}
