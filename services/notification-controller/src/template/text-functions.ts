import { createHash } from 'node:crypto';
import { byteLength, byteSlice, integer, list, takes, takesSome, text } from './arguments.ts';
import { quoted } from './printf.ts';
import {
  type Call,
  CallError,
  isTrue,
  noValue,
  printed,
  type Spend,
  Struct,
  type Value,
} from './values.ts';

const whitespace = /^\p{White_Space}+|\p{White_Space}+$/gu;

/** Of one text that is made into another. */
function ofText(make: (value: string) => Value): Call {
  return (values) => make(text(takes(values, 1)[0]));
}

/** Of two texts, the second of which is the one that it is about. */
function ofTwo(make: (value: string, given: string) => Value): Call {
  return (values) => {
    const [given, value] = takes(values, 2);
    return make(text(value), text(given));
  };
}

function isNil(value: Value): boolean {
  return value === null || value === noValue;
}

/** Nothing, zero, false, or without content; a struct never is, and neither has it a form that could be asked for. */
function isEmpty(value: Value): boolean {
  return !(value instanceof Struct) && !isTrue(value);
}

function replaced(values: readonly Value[], spend: Spend): string {
  const [from = '', to = '', value = ''] = takes(values, 3).map(text);
  const parts = from === '' ? ['', ...value, ''] : value.split(from);
  spend(value.length + parts.length * to.length);
  return parts.join(to);
}

function indented(values: readonly Value[], spend: Spend): string {
  const [count, value] = takes(values, 2);
  const lines = text(value).split('\n');
  const width = integer(count);
  if (width < 0) throw new CallError('cannot indent by less than nothing');
  spend(lines.length * width);
  const pad = ' '.repeat(width);
  return lines.map((line) => pad + line).join('\n');
}

function truncated(values: readonly Value[]): string {
  const [count, value] = takes(values, 2);
  const max = integer(count);
  const given = text(value);
  const length = byteLength(given);
  if (max >= 0) return length > max ? byteSlice(given, 0, max) : given;
  return length + max > 0 ? byteSlice(given, length + max, length) : given;
}

function part(values: readonly Value[]): string {
  const [from, to, value] = takes(values, 3);
  const [start, end, given] = [integer(from), integer(to), text(value)];
  const length = byteLength(given);
  if (start < 0) return byteSlice(given, 0, bounded(end, length));
  if (end < 0 || end > length) return byteSlice(given, bounded(start, length), length);
  if (start > end) throw new CallError('the part ends before it begins');
  return byteSlice(given, start, end);
}

function bounded(position: number, length: number): number {
  if (position >= 0 && position <= length) return position;
  throw new CallError(`the text has no position ${position}`);
}

function joined(values: readonly Value[]): string {
  const [separator, value] = takes(values, 2);
  if (typeof value === 'string') return value;
  return list(value).join(text(separator));
}

function oneOf(values: readonly Value[], choose: (items: readonly string[]) => string | undefined) {
  return choose(list(takes(values, 1)[0])) ?? null;
}

/** Functions of sprig about texts and defaults, as it has them. */
export const textFunctions: Record<string, Call> = {
  trim: ofText((value) => value.replace(whitespace, '')),
  upper: ofText((value) => value.toUpperCase()),
  lower: ofText((value) => value.toLowerCase()),
  nospace: ofText((value) => value.replace(/\p{White_Space}/gu, '')),
  sha256sum: ofText((value) => createHash('sha256').update(value).digest('hex')),
  contains: ofTwo((value, given) => value.includes(given)),
  hasPrefix: ofTwo((value, given) => value.startsWith(given)),
  hasSuffix: ofTwo((value, given) => value.endsWith(given)),
  trimPrefix: ofTwo((value, given) =>
    value.startsWith(given) ? value.slice(given.length) : value,
  ),
  trimSuffix: ofTwo((value, given) =>
    value.endsWith(given) ? value.slice(0, value.length - given.length) : value,
  ),
  replace: replaced,
  trunc: truncated,
  substr: part,
  indent: indented,
  nindent: (values, spend) => `\n${indented(values, spend)}`,
  repeat(values, spend) {
    const [count, value] = takes(values, 2);
    const [times, given] = [integer(count), text(value)];
    if (times < 0) throw new CallError('cannot repeat less than no times');
    spend(times * given.length);
    return given.repeat(times);
  },
  splitList(values, spend) {
    const [separator = '', value = ''] = takes(values, 2).map(text);
    spend(value.length);
    return separator === '' ? [...value] : value.split(separator);
  },
  join: joined,
  first: (values) => oneOf(values, (items) => items[0]),
  last: (values) => oneOf(values, (items) => items.at(-1)),
  quote: (values) =>
    withoutNil(values)
      .map((value) => quoted(printed(value)))
      .join(' '),
  squote: (values) =>
    withoutNil(values)
      .map((value) => `'${printed(value)}'`)
      .join(' '),
  toString: (values: readonly Value[]) => printed(takes(values, 1)[0] as Value),
  empty: (values) => isEmpty(takes(values, 1)[0] as Value),
  default(values) {
    const [fallback = null, value] = takesSome(values);
    return value === undefined || isEmpty(value) ? fallback : value;
  },
  coalesce: (values) => values.find((value) => !isEmpty(value)) ?? null,
  ternary(values) {
    const [yes, no, condition] = takes(values, 3);
    if (typeof condition !== 'boolean') throw new CallError('its last argument has to be a bool');
    return (condition ? yes : no) as Value;
  },
};

function withoutNil(values: readonly Value[]): readonly Value[] {
  return values.filter((value) => !isNil(value));
}
