import { isExactInteger } from '@sluice/shared/base';

/** Takes from the budget of an evaluation; throws CostExceeded when nothing is left. */
export type Spend = (cost: number) => void;

/** Characters of a text, or keys of a map, that cost as much as one step. */
export const perStep = 64;

/** CEL integers are BigInts; numbers that an object holds become such only where an expression touches them. */
export function toCelNumber(value: unknown): unknown {
  if (isExactInteger(value)) return BigInt(value.rawJSON);
  return typeof value === 'number' && Number.isSafeInteger(value) ? BigInt(value) : value;
}

/** Turns all whole numbers of a value that is to be compared as a whole into BigInts; each value inside costs a step. */
export function toCelDeep(value: unknown, spend: Spend): unknown {
  spend(weightOf(value));
  if (typeof value !== 'object' || value === null || isExactInteger(value)) {
    return toCelNumber(value);
  }
  if (Array.isArray(value)) return value.map((child) => toCelDeep(child, spend));
  // A time, a duration, bytes.
  if (Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, child]) => [key, toCelDeep(child, spend)]),
  );
}

const keyCounts = new WeakMap<object, number>();

function keyCount(value: object): number {
  let count = keyCounts.get(value);
  if (count === undefined) {
    count = Object.keys(value).length;
    keyCounts.set(value, count);
  }
  return count;
}

/** How many characters, bytes, elements or keys a value has; 1 for anything else. */
export function lengthOf(value: unknown): number {
  if (typeof value === 'string') return value.length;
  if (typeof value !== 'object' || value === null) return 1;
  if (Array.isArray(value) || value instanceof Uint8Array) return value.length;
  return keyCount(value);
}

/** What it costs to read a value from end to end. */
export function weightOf(value: unknown): number {
  return 1 + Math.ceil(lengthOf(value) / (Array.isArray(value) ? 4 : perStep));
}
