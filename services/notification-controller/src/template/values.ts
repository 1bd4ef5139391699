/** A value of Go as templates see it. */
export type Value =
  | string
  | number
  | boolean
  | null
  | readonly string[]
  | ReadonlyMap<string, string>
  | Struct
  | typeof noValue;

/** What a map has under a key that it does not have: it is printed as `<no value>`, and is nil to functions. */
export const noValue = Symbol('no value');

/** A struct, whose fields are known. */
export class Struct {
  readonly type: string;
  readonly fields: Readonly<Record<string, Value>>;

  constructor(type: string, fields: Readonly<Record<string, Value>>) {
    this.type = type;
    this.fields = fields;
  }
}

/** A function was called as it cannot be, or with what it cannot use. */
export class CallError extends Error {
  override name = 'CallError';
}

/** Names the type of a value, for messages. */
export function typeOf(value: Value): string {
  if (value === null || value === noValue) return 'no value';
  if (value instanceof Struct) return value.type;
  if (value instanceof Map) return 'a map';
  if (Array.isArray(value)) return 'a list';
  return { string: 'a text', number: 'an integer', boolean: 'a bool' }[
    typeof value as 'string' | 'number' | 'boolean'
  ];
}

/** Whether a condition holds: what is not empty and not zero does. */
export function isTrue(value: Value): boolean {
  if (value === null || value === noValue) return false;
  if (value instanceof Struct) return true;
  if (value instanceof Map) return value.size > 0;
  if (Array.isArray(value)) return value.length > 0;
  return Boolean(value);
}

/**
 * Writes a value as Go's fmt does by `%v`.
 *
 * @throws CallError for a struct, of which Go shows what only its sources tell
 */
export function printed(value: Value): string {
  if (value === noValue || value === null) return '<nil>';
  if (value instanceof Struct) {
    throw new CallError(`${value.type} cannot be printed as a whole: name one of its fields`);
  }
  if (value instanceof Map)
    return `map[${[...value]
      .sort(byKey)
      .map(([k, v]) => `${k}:${v}`)
      .join(' ')}]`;
  return Array.isArray(value) ? `[${value.join(' ')}]` : String(value);
}

/** Compares as Go does, by bytes. */
export function compareTexts(a: string, b: string): number {
  return a === b ? 0 : Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/** The entries of a map in the order in which Go ranges over them. */
export function byKey([a]: readonly [string, string], [b]: readonly [string, string]): number {
  return compareTexts(a, b);
}

/** Tells that a number of characters is about to be made. */
export type Spend = (characters: number) => void;

/**
 * A function of templates.
 *
 * @throws CallError
 */
export type Call = (values: readonly Value[], spend: Spend) => Value;
