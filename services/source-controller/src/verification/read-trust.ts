import { errorMessage, RetryableError } from '@sluice/shared/base';
import { verificationErrorReason } from '../source/names.ts';
import { readSecret } from '../source/secrets.ts';
import type { SourceContext } from '../source/source.ts';

/**
 * Reads a Secret that says whom to trust, in the namespace of the object.
 *
 * @param field that names it, for the message
 * @returns its values by their keys
 * @throws RetryableError `VerificationError` when it cannot be read
 */
export async function readTrust(
  { client, object }: SourceContext,
  name: string,
  field: string,
): Promise<Record<string, string>> {
  try {
    const key = { namespace: object.metadata.namespace, name };
    return (await readSecret(client, key, field)).values;
  } catch (cause) {
    throw new RetryableError(verificationErrorReason, errorMessage(cause), { cause });
  }
}
