import { parseDuration, StalledError } from '@sluice/shared/base';

/**
 * Reads a duration of a spec.
 *
 * @param field names it in the message
 * @returns milliseconds
 * @throws StalledError InvalidSpec when it is none
 */
export function specDuration(text: string, field: string): number {
  try {
    return parseDuration(text);
  } catch (cause) {
    throw new StalledError(
      'InvalidSpec',
      `${field} '${text}' is no duration: write for instance 10m or 1h30m`,
      { cause },
    );
  }
}
