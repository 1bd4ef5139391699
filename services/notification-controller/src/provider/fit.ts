import type { FluxEvent } from '@sluice/shared/api';
import { eventJson } from './go-json.ts';

const cutCharacters = (count: number) => ` … (${count} characters cut off)`;
const cutBytes = (count: number) => ` … (${count} bytes cut off)`;

/** Shortens a text to a number of characters, saying how many are missing. */
export function fit(text: string, max: number): string {
  if (text.length <= max) return text;
  const room = max - cutCharacters(text.length).length;
  if (room <= 0) return whole(text.slice(0, max));
  const kept = whole(text.slice(0, room));
  return `${kept}${cutCharacters(text.length - kept.length)}`;
}

/** Shortens a text to a number of bytes in UTF-8, saying how many are missing. */
export function fitBytes(text: string, max: number): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= max) return text;
  const room = Math.max(0, max - Buffer.byteLength(cutBytes(bytes.length)));
  const kept = new TextDecoder().decode(bytes.subarray(0, room), { stream: true });
  return `${kept}${cutBytes(bytes.length - Buffer.byteLength(kept))}`;
}

/** Leaves off half a character at the end. */
function whole(text: string): string {
  return text.replace(/[\uD800-\uDBFF]$/, '');
}

type Entry = [key: string, value: string];

/**
 * Shortens metadata: keys and values to a length, and all together to another one. The last entry says how many had no
 * room.
 *
 * @param o in characters, `maxCount` in entries, the one that tells included
 */
export function fitEntries(
  entries: readonly Entry[],
  o: { maxKey?: number; maxValue: number; maxTotal: number; maxCount?: number },
): Entry[] {
  const { maxKey = o.maxValue, maxValue, maxTotal, maxCount = entries.length } = o;
  const short = entries.map(([key, value]): Entry => [fit(key, maxKey), fit(value, maxValue)]);
  const most = maxCount < short.length ? maxCount - 1 : maxCount;
  let left = maxTotal;
  const missing = short.findIndex(([key, value], index) => {
    left -= key.length + value.length;
    return index >= most || left < 0;
  });
  if (missing < 0) return short;
  return [...short.slice(0, missing), ['…', `${short.length - missing} more`]];
}

/**
 * Makes a payload of a number of bytes at most.
 *
 * @param make told by how much to shorten its texts: 1 is not at all, a half to half their length
 */
export function fitPayload(maxBytes: number, make: (share: number) => string): string {
  for (let share = 1; ; share /= 2) {
    const payload = make(share);
    if (Buffer.byteLength(payload) <= maxBytes || share < 1 / 1024) return payload;
  }
}

/** An event as JSON of a number of bytes at most: its message is shortened, and its metadata when that is not enough. */
export function fitEvent(event: FluxEvent, maxBytes: number): string {
  const metadata = Object.entries(event.metadata ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  return fitPayload(maxBytes, (share) => {
    if (share === 1) return eventJson(event);
    const message = fit(event.message, Math.floor(maxBytes * share));
    const isLarge = metadata.length > 0 && share < 1 / 4;
    const limits = { maxValue: 1024, maxTotal: Math.floor(maxBytes * share) };
    const short = isLarge ? Object.fromEntries(fitEntries(metadata, limits)) : event.metadata;
    return eventJson({ ...event, message, ...(short && { metadata: short }) });
  });
}
