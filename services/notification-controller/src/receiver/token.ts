import type { Receiver } from '@sluice/shared/api';
import type { SecretData, SecretReader } from '../provider/secrets.ts';

/** The Secret of a Receiver has no usable token. */
export class TokenNotFoundError extends Error {
  override name = 'TokenNotFoundError';
}

/**
 * Reads the Secret of a Receiver, which has to hold a token; one of type generic-oidc has none.
 *
 * @throws TokenNotFoundError when the Secret has none; SecretUnavailableError when there is no Secret
 */
export async function receiverSecret(
  receiver: Receiver,
  read: SecretReader,
): Promise<SecretData & { token: string }> {
  if (receiver.spec.type === 'generic-oidc') return { token: '' };
  const { namespace = '' } = receiver.metadata;
  const name = receiver.spec.secretRef?.name ?? '';
  const secret = await read(namespace, name);
  const { token } = secret;
  if (!token) {
    throw new TokenNotFoundError(
      `invalid Secret '${namespace}/${name}' of spec.secretRef: the key 'token' is missing or empty, add it`,
    );
  }
  return { ...secret, token };
}
