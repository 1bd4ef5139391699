import type { Clock } from '../base/index.ts';
import { LoginSettingsError } from './cloud-error.ts';

/** What a signed claim says. */
export interface Claims {
  issuer: string;
  subject?: string;
  audience?: string;
  /** Seconds by which it begins before now, for clocks that are behind ours. */
  earlySeconds?: number;
  lifeSeconds: number;
  more?: Record<string, unknown>;
}

/**
 * Signs a claim with an RSA key in PEM; the library is loaded by the first one.
 *
 * @param where names what holds the key, for the message
 * @throws LoginSettingsError when it is no such key
 */
export async function signClaims(
  claims: Claims,
  key: { pem: string; where: string; header?: Record<string, unknown> },
  clock: Clock,
): Promise<string> {
  const [{ SignJWT }, { createPrivateKey }] = await Promise.all([
    import('jose'),
    import('node:crypto'),
  ]);
  const now = Math.floor(clock.now() / 1000);
  const { issuer, subject, audience, earlySeconds = 0, lifeSeconds, more = {} } = claims;
  try {
    const jwt = new SignJWT(more)
      .setProtectedHeader({ alg: 'RS256', ...key.header })
      .setIssuer(issuer)
      .setIssuedAt(now - earlySeconds)
      .setExpirationTime(now + lifeSeconds);
    if (subject !== undefined) jwt.setSubject(subject);
    if (audience !== undefined) jwt.setAudience(audience);
    return await jwt.sign(createPrivateKey(key.pem));
  } catch (cause) {
    throw new LoginSettingsError(`${key.where} is no RSA key in PEM: put the right one there`, {
      cause: cause instanceof RangeError ? cause : undefined,
    });
  }
}
