import { CallError, noValue, typeOf, type Value } from './values.ts';

/**
 * Checks the number of arguments.
 *
 * @throws CallError
 */
export function takes(values: readonly Value[], count: number): readonly Value[] {
  if (values.length === count) return values;
  throw new CallError(`takes ${count} argument${count === 1 ? '' : 's'}, not ${values.length}`);
}

/** @throws CallError when there are none */
export function takesSome(values: readonly Value[]): readonly Value[] {
  if (values.length > 0) return values;
  throw new CallError('takes at least 1 argument');
}

/** @throws CallError unless it is a text */
export function text(value: Value | undefined): string {
  if (typeof value === 'string') return value;
  throw new CallError(`${typeOf(value ?? noValue)} where a text is expected`);
}

/** @throws CallError unless it is an integer */
export function integer(value: Value | undefined): number {
  if (typeof value === 'number') return value;
  throw new CallError(`${typeOf(value ?? noValue)} where an integer is expected`);
}

/** @throws CallError unless it is a list */
export function list(value: Value | undefined): readonly string[] {
  if (Array.isArray(value)) return value;
  throw new CallError(`${typeOf(value ?? noValue)} where a list is expected`);
}

/** Bytes in UTF-8, by which Go counts. */
export function byteLength(value: string): number {
  return Buffer.byteLength(value);
}

/** What is between two positions in bytes, without the halves of characters at its ends. */
export function byteSlice(value: string, start: number, end: number): string {
  const bytes = Buffer.from(value);
  let from = start;
  let to = end;
  while (isContinuation(bytes[from])) from++;
  while (to > from && isContinuation(bytes[to])) to--;
  return bytes.toString('utf8', from, Math.max(from, to));
}

function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80;
}
