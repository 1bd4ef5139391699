import { byteLength, integer, list, takes, takesSome, text } from './arguments.ts';
import { comparisons } from './comparisons.ts';
import { printf } from './printf.ts';
import { textFunctions } from './text-functions.ts';
import { type Call, CallError, isTrue, noValue, printed, typeOf, type Value } from './values.ts';

const builtIn: Record<string, Call> = {
  // Which of their values counts is decided where they are evaluated.
  and: (values) => values[0] as Value,
  or: (values) => values[0] as Value,
  not: (values) => !isTrue(takes(values, 1)[0] as Value),
  len(values) {
    const [value] = takes(values, 1);
    if (typeof value === 'string') return byteLength(value);
    if (value instanceof Map) return value.size;
    if (Array.isArray(value)) return value.length;
    throw new CallError(`len of ${typeOf(value as Value)}`);
  },
  index(values) {
    const [of = null, ...keys] = takesSome(values);
    if (of === null || of === noValue) throw new CallError('index of no value');
    return keys.reduce(indexed, of);
  },
  print: (values) => sprint(values),
  println: (values) => `${values.map(printed).join(' ')}\n`,
  printf,
  html: (values) => sprint(values).replace(/[&<>"'\0]/g, (char) => htmlEscapes[char] as string),
  urlquery: (values) =>
    encodeURIComponent(sprint(values))
      .replaceAll('%20', '+')
      .replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`),
};

const htmlEscapes: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&#34;',
  "'": '&#39;',
  '\0': '\uFFFD',
};

/** As Go's fmt.Sprint: a space between two values unless one of them is a text. */
function sprint(values: readonly Value[]): string {
  return values
    .map((value, at) => {
      const before = values[at - 1];
      const isApart = at > 0 && typeof value !== 'string' && typeof before !== 'string';
      return `${isApart ? ' ' : ''}${printed(value)}`;
    })
    .join('');
}

function indexed(of: Value, key: Value): Value {
  if (of instanceof Map) return of.get(text(key)) ?? '';
  if (Array.isArray(of)) {
    const at = integer(key);
    const item: string | undefined = at < 0 ? undefined : list(of)[at];
    if (item === undefined) throw new CallError(`the list has no item ${at}`);
    return item;
  }
  throw new CallError(`index of ${typeOf(of)}`);
}

/** Functions that templates may call: those of Go's text/template that make texts, and some of sprig's. */
export const functions: ReadonlyMap<string, Call> = new Map(
  Object.entries({ ...builtIn, ...comparisons, ...textFunctions }),
);
