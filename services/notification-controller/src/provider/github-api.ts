import { type GithubApp, githubAppIn, LoginSettingsError } from '@sluice/shared/cloud';
import type { Endpoint, ProviderAnswer, ProviderRequest, Send } from './adapter.ts';
import { jsonOf, objectOf } from './answer.ts';
import { bearer, tokenOrPasswordOf } from './credentials.ts';
import { UnusableProviderError } from './delivery-error.ts';
import type { ProviderIdentity } from './provider-identity.ts';
import { ownedRepositoryOf } from './repository.ts';

const headers = {
  accept: 'application/vnd.github+json',
  'x-github-api-version': '2022-11-28',
};

/** What messages call the Secret. */
const secretName = 'the Secret of spec.secretRef';

/** GitHub's API for one repository. */
export interface GithubApi {
  /** Sends a request to a path below the repository. */
  send(path: string, request?: Omit<ProviderRequest, 'url'>): Promise<ProviderAnswer>;
  /** Login under which comments of these credentials appear. */
  login(): Promise<string>;
}

/**
 * Opens GitHub's API, or that of a GitHub Enterprise Server, for the repository of the address, with a token or as an
 * installation of a GitHub App.
 *
 * @throws DeliveryError
 */
export async function githubApi(
  endpoint: Endpoint,
  send: Send,
  identity: ProviderIdentity,
): Promise<GithubApi> {
  const { owned, origin, host } = ownedRepositoryOf(endpoint);
  const base = host === 'github.com' ? 'https://api.github.com' : `${origin}/api/v3`;
  const call: Call = (path, token, request = {}) =>
    send({
      ...request,
      url: `${base}/${path}`,
      headers: { ...headers, ...bearer(token), ...request.headers },
    });
  const app = appOf(endpoint, base);
  if (app === undefined) {
    const token = tokenOrPasswordOf(endpoint, 'token');
    return {
      send: (path, request) => call(`repos/${owned}/${path}`, token, request),
      login: async () => textOf(await call('user', token, { method: 'GET' }), 'login'),
    };
  }
  const login = identity.github(app, secretName);
  const token = await login.token();
  return {
    async send(path, request) {
      try {
        return await call(`repos/${owned}/${path}`, token, request);
      } catch (error) {
        login.forget();
        throw error;
      }
    },
    login: () => login.author(),
  };
}

type Call = (
  path: string,
  token: string,
  request?: Omit<ProviderRequest, 'url'>,
) => Promise<ProviderAnswer>;

/** A text of GitHub's answer, empty when it has none. */
function textOf({ body }: ProviderAnswer, key: string): string {
  return String(objectOf(jsonOf(body, 'GitHub'))[key] ?? '');
}

/**
 * Its API is that of the repository, whatever the Secret says.
 *
 * @throws UnusableProviderError when the Secret names a part of a GitHub App, and not all of it
 */
function appOf({ token, password, secret }: Endpoint, base: string): GithubApp | undefined {
  if (token || password) return undefined;
  try {
    return githubAppIn({ ...secret, githubAppBaseURL: base }, secretName);
  } catch (error) {
    if (!(error instanceof LoginSettingsError)) throw error;
    throw new UnusableProviderError(error.message, { cause: error });
  }
}
