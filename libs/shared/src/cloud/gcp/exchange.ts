import {
  askJson,
  type CloudDoor,
  formOf,
  formType,
  secondsFromNow,
  stringIn,
} from '../exchange.ts';
import type { Issued } from '../token-cache.ts';

/** What tokens of Google are for. */
export const gcpScopes = [
  'https://www.googleapis.com/auth/cloud-platform',
  'https://www.googleapis.com/auth/userinfo.email',
];

const platformScope = 'https://www.googleapis.com/auth/cloud-platform';
const stsUrl = 'https://sts.googleapis.com/v1/token';
const tokenType = 'urn:ietf:params:oauth:token-type';

/** What is exchanged for a token of Google. */
export interface GcpExchange {
  /** Of the pool, or provider, that takes the token. */
  audience: string;
  token: string;
  tokenType?: string;
  /** Address at which to act as a service account of Google; the token is the pool's own without it. */
  impersonationUrl?: string;
  scopes?: string[];
}

/** Address at which to get tokens of a service account of Google. */
export function impersonationUrlOf(email: string): string {
  return `https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/${email}:generateAccessToken`;
}

/**
 * Exchanges a token from elsewhere for one of Google (workload identity federation).
 *
 * @throws CloudLoginError
 * @see https://cloud.google.com/iam/docs/reference/sts/rest/v1/TopLevel/token
 */
export async function gcpExchange(o: GcpExchange, door: CloudDoor): Promise<Issued<string>> {
  const scopes = o.scopes ?? gcpScopes;
  const body = formOf({
    audience: o.audience,
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    requested_token_type: `${tokenType}:access_token`,
    scope: o.impersonationUrl === undefined ? scopes.join(' ') : platformScope,
    subject_token: o.token,
    subject_token_type: o.tokenType ?? `${tokenType}:jwt`,
  });
  const headers = { 'content-type': formType };
  const secrets = [o.token];
  const answer = await askJson({ method: 'POST', url: stsUrl, headers, body, secrets }, door);
  const token = stringIn(answer, 'access_token', new URL(stsUrl).host);
  if (o.impersonationUrl !== undefined) {
    return impersonate(o.impersonationUrl, token, scopes, door);
  }
  return { value: token, expiresAtMs: secondsFromNow(answer['expires_in'], door.clock) };
}

/** @see https://cloud.google.com/iam/docs/reference/credentials/rest/v1/projects.serviceAccounts/generateAccessToken */
async function impersonate(
  url: string,
  token: string,
  scope: string[],
  door: CloudDoor,
): Promise<Issued<string>> {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const body = JSON.stringify({ lifetime: '3600s', scope });
  const answer = await askJson({ method: 'POST', url, headers, body, secrets: [token] }, door);
  return {
    value: stringIn(answer, 'accessToken', new URL(url).host),
    expiresAtMs: Date.parse(String(answer['expireTime'])) || 0,
  };
}
