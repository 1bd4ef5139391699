import { takes } from './arguments.ts';
import { CallError, compareTexts, noValue, Struct, typeOf, type Value } from './values.ts';

type Comparison = (values: readonly Value[]) => boolean;

/** As those of Go's text/template; `eq` compares the first argument with each of the others. */
export const comparisons: Record<string, Comparison> = {
  eq([first = noValue, ...others]) {
    if (others.length === 0) throw new CallError('takes at least 2 arguments');
    return others.some((other) => isEqual(first, other));
  },
  ne: (values) => {
    const [a, b] = pair(values);
    return !isEqual(a, b);
  },
  lt: (values) => ordered(values) < 0,
  le: (values) => ordered(values) <= 0,
  gt: (values) => ordered(values) > 0,
  ge: (values) => ordered(values) >= 0,
};

function pair(values: readonly Value[]): [Value, Value] {
  const [a = null, b = null] = takes(values, 2);
  return [a, b];
}

function isNothing(value: Value): boolean {
  return value === null || value === noValue;
}

function isEqual(a: Value, b: Value): boolean {
  if (isNothing(a) || isNothing(b)) return isNothing(a) && isNothing(b);
  if (typeof a !== typeof b || !isBasic(a)) {
    throw new CallError(`${typeOf(a)} cannot be compared with ${typeOf(b)}`);
  }
  return a === b;
}

function isBasic(value: Value): boolean {
  return !(value instanceof Struct || value instanceof Map || Array.isArray(value));
}

function ordered(values: readonly Value[]): number {
  const [a, b] = pair(values);
  if (typeof a === 'string' && typeof b === 'string') return compareTexts(a, b);
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  throw new CallError(`${typeOf(a)} cannot be compared with ${typeOf(b)}`);
}
