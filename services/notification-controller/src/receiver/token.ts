import type { Receiver } from '@sluice/shared/api';
import type { SecretReader } from '../provider/secrets.ts';

/** The Secret of a Receiver has no usable token. */
export class TokenNotFoundError extends Error {
  override name = 'TokenNotFoundError';
}

/**
 * Reads the token of a Receiver.
 *
 * @throws TokenNotFoundError when the Secret has none; SecretUnavailableError when there is no Secret
 */
export async function receiverToken(receiver: Receiver, read: SecretReader): Promise<string> {
  const { namespace = '' } = receiver.metadata;
  const name = receiver.spec.secretRef?.name ?? '';
  const token = (await read(namespace, name))['token'];
  if (!token) {
    throw new TokenNotFoundError(
      `invalid Secret '${namespace}/${name}' of spec.secretRef: the key 'token' is missing or empty, add it`,
    );
  }
  return token;
}
