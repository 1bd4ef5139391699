import type { Values } from '../release/release.ts';
import { parseStrvals, type StrvalsBudget } from './strvals.ts';

/** A value for one path. */
export interface TargetValue {
  /** In the syntax of the left side of `--set`. */
  path: string;
  value: string;
  /** Take the value as it is. */
  literal: boolean;
}

const quotesAtEnds = /^['"]+|['"]+$/g;

function isQuoted(value: string): boolean {
  return ["'", '"'].some((quote) => value.startsWith(quote) && value.endsWith(quote));
}

/**
 * Puts a value at a path of a map, which is changed. Unless literal, the value is read as `--set` does; in quotes it
 * is text.
 *
 * @throws StrvalsError when path or value cannot be understood
 */
export function setAtPath(data: Values, target: TargetValue, budget: StrvalsBudget): void {
  const { path, value, literal } = target;
  if (literal) {
    const escaped = value.replace(/[\\,[\]{}]/g, '\\$&');
    parseStrvals(`${path}=${escaped}`, data, { asText: true, budget });
    return;
  }
  const asText = isQuoted(value);
  const content = asText ? value.replace(quotesAtEnds, '') : value;
  parseStrvals(`${path}=${content}`, data, { asText, budget });
}
