import { errorMessage } from '@sluice/shared/base';
import type { JWTVerifyGetKey } from 'jose';
import { isSame } from './checks.ts';
import { type VerifyGoogleToken, WebhookRefusedError } from './webhook.ts';

const issuers = ['accounts.google.com', 'https://accounts.google.com'];
const timeoutMs = 5_000;

/**
 * Makes the function that verifies tokens with the keys at an address. Neither the keys nor the library are loaded
 * before a token arrives; keys are kept and read again when a token names another one.
 *
 * @param keysUrl of a JSON Web Key Set
 */
export function googleTokenVerifier(keysUrl: string): VerifyGoogleToken {
  let keys: JWTVerifyGetKey | undefined;
  return async (token, { email, audience }) => {
    const { createRemoteJWKSet, jwtVerify } = await import('jose');
    keys ??= createRemoteJWKSet(new URL(keysUrl), { timeoutDuration: timeoutMs });
    let claims: Record<string, unknown>;
    try {
      const options = {
        issuer: issuers,
        audience,
        algorithms: ['RS256', 'ES256'],
        requiredClaims: ['exp'],
      };
      ({ payload: claims } = await jwtVerify(token, keys, options));
    } catch (error) {
      throw new WebhookRefusedError(`the token is not accepted: ${errorMessage(error)}`);
    }
    const { email: account, email_verified: isVerified } = claims;
    if (typeof account !== 'string' || !isSame(account, email) || isVerified !== true) {
      throw new WebhookRefusedError(
        "the token is for another account: put its address into the key 'email' of the Secret of spec.secretRef",
      );
    }
  };
}
