/** A posted event is not one. The message names the field. */
export class InvalidEventError extends Error {
  override name = 'InvalidEventError';
}

/** @throws InvalidEventError when a value is no JSON object */
export function record(value: unknown, field: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new InvalidEventError(`${field} must be an object`);
  }
  return value as Record<string, unknown>;
}

/**
 * Reads a text that may be missing.
 *
 * @throws InvalidEventError when it is no text, or longer than `max` characters
 */
export function text(value: unknown, field: string, max: number): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'string') throw new InvalidEventError(`${field} must be a string`);
  if (value.length > max) {
    throw new InvalidEventError(
      `${field} has ${value.length} characters: at most ${max} are allowed`,
    );
  }
  return value;
}

/** @throws InvalidEventError when a value is no text of a form */
export function checkText(
  value: unknown,
  o: { field: string; is: (text: string) => boolean; form: string },
): string {
  if (typeof value === 'string' && o.is(value)) return value;
  const seen = typeof value === 'string' ? `, not ${JSON.stringify(value.slice(0, 40))}` : '';
  throw new InvalidEventError(`${o.field} must be ${o.form}${seen}`);
}
