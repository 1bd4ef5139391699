import { parse } from '@marcbachmann/cel-js';
import { errorMessage, StalledError } from '@sluice/shared/base';

/** A compiled CEL expression that yields a boolean. */
export type Predicate = (variables: Record<string, unknown>) => boolean;

/** CEL integers are BigInts; plain numbers of an object are doubles, so that both sides compare. */
type Compiled = (variables: Record<string, unknown>) => unknown;

/** Turns whole numbers into BigInts, as which CEL knows integers. */
function toCel(value: unknown): unknown {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return BigInt(value);
  if (Array.isArray(value)) return value.map(toCel);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, child]) => [key, toCel(child)]));
}

/**
 * Compiles a CEL expression.
 *
 * @param field where it stands, for messages
 * @returns a function that throws what the evaluation throws, and a TypeError when the result is no boolean
 * @throws StalledError InvalidCELExpression when it cannot be read
 */
export function compileCel(expression: string, field: string): Predicate {
  let compiled: Compiled;
  try {
    compiled = parse(expression) as Compiled;
  } catch (error) {
    throw new StalledError(
      'InvalidCELExpression',
      `${field} is no valid CEL expression: ${errorMessage(error)}`,
      { cause: error },
    );
  }
  return (variables) => {
    const result = compiled(toCel(variables) as Record<string, unknown>);
    if (typeof result !== 'boolean') throw new TypeError(`${field} must yield true or false`);
    return result;
  };
}
