import { parseJson as parse } from '@sluice/shared/base';

/**
 * Parses JSON with all digits of integers.
 *
 * @throws Error that does not quote the text, which may hold secrets
 */
export function parseJson(text: string): unknown {
  try {
    return parse(text);
  } catch {
    throw new Error(`the answer is no valid JSON (${text.length} characters)`);
  }
}
