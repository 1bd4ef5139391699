import { isExactInteger } from '@sluice/shared/base';
import { compareBytes } from './go-text.ts';

/** Characters that Go escapes beyond those of JSON, so that its output can stand in HTML and JavaScript. */
const escaped = /[<>&\u2028\u2029]/g;

function escapeCharacter(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** Writes a string as Go's encoding/json does; half a surrogate pair becomes U+FFFD. */
export function goString(text: string): string {
  return JSON.stringify(text.toWellFormed()).replace(escaped, escapeCharacter);
}

/** Writes a list of values that are written already. */
export function goArray(items: readonly string[]): string {
  return `[${items.join(',')}]`;
}

/**
 * Writes a value as Go's encoding/json writes what it has read from JSON: keys sorted by their bytes, numbers as
 * 64-bit floats, but for integers that these would round.
 */
export function goJson(value: unknown): string {
  if (typeof value === 'string') return goString(value);
  if (typeof value === 'number') return Object.is(value, -0) ? '-0' : JSON.stringify(value);
  if (typeof value !== 'object' || value === null || isExactInteger(value)) {
    return JSON.stringify(value ?? null);
  }
  if (Array.isArray(value)) return goArray(value.map(goJson));
  const entries = Object.entries(value)
    .filter(([, nested]) => nested !== undefined)
    .map(([key, nested]): [string, unknown] => [key.toWellFormed(), nested]);
  entries.sort(([a], [b]) => compareBytes(a, b));
  return `{${entries.map(([key, nested]) => `${goString(key)}:${goJson(nested)}`).join(',')}}`;
}

function isEmpty(value: unknown): boolean {
  if (Array.isArray(value)) return value.length === 0;
  if (isExactInteger(value)) return false;
  if (typeof value === 'object' && value !== null) return Object.keys(value).length === 0;
  return !value;
}

/** Names a field of a Go struct, and how its value is written; `goJson` unless told. */
export interface GoField {
  name: string;
  /** Leave the field out when the value is zero, as `omitempty` does. */
  omitEmpty?: boolean;
  write?: (value: unknown) => string;
}

/** Writes a Go struct: the fields in their order, those that it does not have left out. */
export function goStruct(fields: readonly GoField[], value: object): string {
  const source = value as Record<string, unknown>;
  const written: string[] = [];
  for (const { name, omitEmpty = false, write = goJson } of fields) {
    const field = source[name];
    if (!omitEmpty || !isEmpty(field)) written.push(`${goString(name)}:${write(field)}`);
  }
  return `{${written.join(',')}}`;
}

/** Returns a time in RFC 3339 as Go writes it: `Z` for UTC, and no zeros at the end of the fraction. */
export function goTime(text: string): string {
  const match = /^(.{19})(\.[0-9]+)?(.*)$/.exec(text);
  if (match === null) return text;
  const [, seconds = '', fraction = '', zone = ''] = match;
  const digits = fraction.slice(0, 10).replace(/\.?0+$/, '');
  return `${seconds}${digits}${/^[+-]00:00$/.test(zone) ? 'Z' : zone}`;
}
