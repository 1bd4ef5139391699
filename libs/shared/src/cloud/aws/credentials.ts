import { CloudLoginError } from '../cloud-error.ts';
import type { Issued } from '../token-cache.ts';

/** Keys with which requests to AWS are signed. */
export interface AwsCredentials {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
}

/** All that signatures made with them depend on. */
export function awsKey(credentials: AwsCredentials): string[] {
  const { accessKeyId, secretAccessKey, sessionToken = '' } = credentials;
  return [accessKeyId, secretAccessKey, sessionToken];
}

/**
 * Makes credentials of what a service answered, whose names differ only in the one for the session token.
 *
 * @throws CloudLoginError when a part is missing
 */
export function issuedCredentials(
  values: Record<string, unknown>,
  from: string,
): Issued<AwsCredentials> {
  const { AccessKeyId, SecretAccessKey, SessionToken, Token, Expiration } = values;
  const session = SessionToken ?? Token;
  if (
    typeof AccessKeyId !== 'string' ||
    typeof SecretAccessKey !== 'string' ||
    typeof session !== 'string'
  ) {
    throw new CloudLoginError(`${from} answered without credentials`);
  }
  return {
    value: {
      accessKeyId: AccessKeyId,
      secretAccessKey: SecretAccessKey,
      sessionToken: session,
    },
    expiresAtMs: Date.parse(String(Expiration)) || 0,
  };
}
