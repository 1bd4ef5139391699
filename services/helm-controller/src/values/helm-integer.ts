import { isExactInteger, toInteger } from '@sluice/shared/base';

/** A whole number that the syntax of `--set` made: Helm keeps it apart from the numbers of YAML. */
export class HelmInteger {
  readonly value: bigint;

  constructor(value: bigint) {
    this.value = value;
  }
}

/**
 * An integer among the values, at its path in the syntax of `--set`. In templates it prints and compares as an
 * integer, whereas a number from a values file is a float there: 1000000 prints as 1e+06.
 */
export interface IntegerSetting {
  /** Such as `a.b\.c[0]`. */
  path: string;
  /** All digits, also where a number cannot hold them. */
  value: string;
}

function keyText(key: string): string {
  return key.replace(/[\\.,=[\]{}]/g, '\\$&');
}

/** Returns a copy in which integers are numbers, and adds them to the list with their paths. */
export function plainValue(value: unknown, path: string, found: IntegerSetting[]): unknown {
  if (value instanceof HelmInteger) {
    found.push({ path, value: String(value.value) });
    return toInteger(value.value);
  }
  if (Array.isArray(value)) {
    return value.map((item, index) => plainValue(item, `${path}[${index}]`, found));
  }
  if (typeof value !== 'object' || value === null || isExactInteger(value)) return value;
  const prefix = path === '' ? '' : `${path}.`;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [
      key,
      plainValue(item, prefix + keyText(key), found),
    ]),
  );
}
