import { errorMessage } from '@sluice/shared/base';
import { createDispatcher, type Dispatcher, getFile, type NetworkGuard } from '@sluice/shared/net';
import type { JWTVerifyGetKey } from 'jose';
import { jsonObject } from './checks.ts';
import { type VerifyOidcToken, WebhookRefusedError } from './webhook.ts';

const timeoutMs = 5_000;
/** Bytes of what an issuer says of itself, and of its keys. */
const maxBytes = 256 * 1024;
/** Issuers that are remembered, and for how long. */
const maxIssuers = 100;
const rememberedMs = 10 * 60_000;
const userAgent = 'sluice-notification-controller';
const algorithms = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
];

interface Issuer {
  keys: Promise<JWTVerifyGetKey>;
  until: number;
}

/**
 * Makes the function that verifies tokens with the keys that their issuer names. Issuers are asked through the guard,
 * and neither they nor the library before a token of theirs arrives; keys are read again when a token names another.
 */
export function oidcTokenVerifier(
  guard: NetworkGuard,
  now: () => number = Date.now,
): VerifyOidcToken {
  const issuers = new Map<string, Issuer>();
  let dispatcher: Dispatcher | undefined;
  const read = (url: URL) => {
    dispatcher ??= createDispatcher({
      guard,
      connectTimeoutMs: timeoutMs,
      answerTimeoutMs: timeoutMs,
    });
    const signal = AbortSignal.timeout(timeoutMs);
    return getFile(url, { dispatcher, signal, maxBytes, userAgent });
  };
  const keysOf = (issuer: string): Promise<JWTVerifyGetKey> => {
    const known = issuers.get(issuer);
    if (known !== undefined && now() < known.until) return known.keys;
    const keys = discover(issuer, read);
    issuers.delete(issuer);
    issuers.set(issuer, { keys, until: now() + rememberedMs });
    for (const oldest of issuers.keys()) {
      if (issuers.size <= maxIssuers) break;
      issuers.delete(oldest);
    }
    keys.catch(() => issuers.delete(issuer));
    return keys;
  };
  return async (token, { issuer, audience }) => {
    const { jwtVerify } = await import('jose');
    try {
      const options = { issuer, audience, algorithms, requiredClaims: ['exp'] };
      return (await jwtVerify(token, await keysOf(issuer), options)).payload;
    } catch (error) {
      throw new WebhookRefusedError(`the token is not accepted: ${errorMessage(error)}`);
    }
  };
}

/** @see https://openid.net/specs/openid-connect-discovery-1_0.html */
async function discover(
  issuer: string,
  read: (url: URL) => Promise<Buffer>,
): Promise<JWTVerifyGetKey> {
  const { createRemoteJWKSet, customFetch } = await import('jose');
  const base = issuer.replace(/\/+$/, '');
  const said = jsonObject(await read(new URL(`${base}/.well-known/openid-configuration`)));
  const { issuer: own, jwks_uri: keysUrl } = said;
  if (own !== issuer) throw new Error('the issuer says that it is another one');
  const url = typeof keysUrl === 'string' ? URL.parse(keysUrl) : null;
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new Error('the issuer names no address of its keys');
  }
  return createRemoteJWKSet(url, {
    timeoutDuration: timeoutMs,
    [customFetch]: async (address: string) =>
      new Response(new Uint8Array(await read(new URL(address)))),
  });
}
