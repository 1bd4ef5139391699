import type { Endpoint } from './adapter.ts';
import { UnusableProviderError } from './delivery-error.ts';

type Headers = Record<string, string>;

export function bearer(token: string): Headers {
  return { authorization: `Bearer ${token}` };
}

export function basic(username: string, password: string): Headers {
  return { authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}` };
}

/** Logs in with user and password when there are both, else with a token, else not at all. */
export function basicOrBearer({ token, username, password }: Endpoint): Headers {
  if (username && password) return basic(username, password);
  return token ? bearer(token) : {};
}

/**
 * The token of the Secret.
 *
 * @param what the token is, for the message
 * @throws UnusableProviderError when there is none
 */
export function tokenOf({ token }: Endpoint, what: string): string {
  if (token !== '') return token;
  throw new UnusableProviderError(
    `the provider has no ${what}: put the key 'token' into the Secret of spec.secretRef`,
  );
}

/**
 * The token of the Secret, or its password, which repositories of Flux use for both.
 *
 * @throws UnusableProviderError when there is none
 */
export function tokenOrPasswordOf(endpoint: Endpoint, what: string): string {
  return endpoint.token || endpoint.password || tokenOf(endpoint, what);
}

/**
 * `spec.channel`.
 *
 * @param what it has to name
 * @throws UnusableProviderError when there is none
 */
export function channelOf({ channel }: Endpoint, what: string): string {
  if (channel !== '') return channel;
  throw new UnusableProviderError(`spec.channel is missing: name ${what}`);
}
