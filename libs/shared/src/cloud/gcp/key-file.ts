import { CloudLoginError } from '../cloud-error.ts';
import {
  askJson,
  type CloudDoor,
  formOf,
  formType,
  secondsFromNow,
  stringIn,
} from '../exchange.ts';
import { signClaims } from '../jwt.ts';
import type { Issued } from '../token-cache.ts';

const defaultTokenUri = 'https://oauth2.googleapis.com/token';
const lifeSeconds = 3600;

/** The key of a service account of Google. */
export interface GcpKey {
  email: string;
  keyId: string;
  privateKey: string;
  tokenUri: string;
}

/**
 * Reads the JSON key of a service account. Other kinds of credentials are refused: they name files, programs and
 * addresses to be asked.
 *
 * @param where names what holds it, for the message
 * @throws CloudLoginError
 */
export function gcpKeyIn(text: string, where: string): GcpKey {
  const key = gcpCredentialsIn(text, where);
  const { type, client_email: email, private_key: privateKey, private_key_id: keyId } = key;
  if (type !== 'service_account' || typeof email !== 'string' || typeof privateKey !== 'string') {
    throw new CloudLoginError(
      `${where} is no JSON key of a service account: create one and put it there`,
    );
  }
  const { token_uri: uri } = key;
  return {
    email,
    privateKey,
    keyId: typeof keyId === 'string' ? keyId : '',
    tokenUri: typeof uri === 'string' && /^https?:\/\//.test(uri) ? uri : defaultTokenUri,
  };
}

/**
 * Reads a file of credentials of Google.
 *
 * @throws CloudLoginError when it is no JSON object
 */
export function gcpCredentialsIn(text: string, where: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch {
    // Reported below: the parser's message would quote the key.
  }
  throw new CloudLoginError(`${where} is no JSON: put the credentials there as they were created`);
}

/**
 * Gets a token for the key of a service account.
 *
 * @throws CloudLoginError
 * @see https://developers.google.com/identity/protocols/oauth2/service-account
 */
export async function gcpKeyToken(
  key: GcpKey,
  o: { scopes: string[]; where: string },
  door: CloudDoor,
): Promise<Issued<string>> {
  const assertion = await signClaims(
    {
      issuer: key.email,
      audience: key.tokenUri,
      lifeSeconds,
      more: { scope: o.scopes.join(' ') },
    },
    { pem: key.privateKey, where: o.where, header: { typ: 'JWT', kid: key.keyId } },
    door.clock,
  );
  const body = formOf({ grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion });
  const headers = { 'content-type': formType };
  const answer = await askJson(
    { method: 'POST', url: key.tokenUri, headers, body, secrets: [assertion] },
    door,
  );
  return {
    value: stringIn(answer, 'access_token', new URL(key.tokenUri).host),
    expiresAtMs: secondsFromNow(answer['expires_in'], door.clock),
  };
}
