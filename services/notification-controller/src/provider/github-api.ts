import type { Endpoint, ProviderAnswer, ProviderRequest, Send } from './adapter.ts';
import { jsonOf, objectOf } from './answer.ts';
import { bearer, tokenOrPasswordOf } from './credentials.ts';
import { DeliveryError, UnusableProviderError } from './delivery-error.ts';
import { ownedRepositoryOf } from './repository.ts';
import type { IssuedToken, TokenCache } from './token-cache.ts';

const headers = {
  accept: 'application/vnd.github+json',
  'x-github-api-version': '2022-11-28',
};

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
  tokens: TokenCache,
): Promise<GithubApi> {
  const { owned, origin, host } = ownedRepositoryOf(endpoint);
  const base = host === 'github.com' ? 'https://api.github.com' : `${origin}/api/v3`;
  const call: Call = (path, token, request = {}) =>
    send({
      ...request,
      url: `${base}/${path}`,
      headers: { ...headers, ...bearer(token), ...request.headers },
    });
  const app = appOf(endpoint);
  if (app === undefined) {
    const token = tokenOrPasswordOf(endpoint, 'token');
    return {
      send: (path, request) => call(`repos/${owned}/${path}`, token, request),
      login: async () => textOf(await call('user', token, { method: 'GET' }), 'login'),
    };
  }
  const credentials = [base, app.id, app.installation ?? '', app.owner ?? '', app.privateKey];
  const token = await tokens.get(credentials, () => installationToken(app, call));
  return {
    async send(path, request) {
      try {
        return await call(`repos/${owned}/${path}`, token, request);
      } catch (error) {
        tokens.forget(credentials);
        throw error;
      }
    },
    login: async () =>
      `${textOf(await call('app', await signedClaim(app), { method: 'GET' }), 'slug')}[bot]`,
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

/** An App, and its installation: the number of it, or whose it is. */
interface App {
  id: string;
  installation?: string;
  owner?: string;
  privateKey: string;
}

/** @throws DeliveryError when the Secret names a part of a GitHub App, and not all of it */
function appOf({ token, password, secret }: Endpoint): App | undefined {
  const {
    githubAppID: id,
    githubAppInstallationID: installation,
    githubAppInstallationOwner: owner,
    githubAppPrivateKey: privateKey,
  } = secret;
  if (token || password || !id) return undefined;
  const where = 'the Secret of spec.secretRef has githubAppID';
  if (!privateKey) {
    throw new UnusableProviderError(`${where} without 'githubAppPrivateKey': add it`);
  }
  if (!installation === !owner) {
    throw new UnusableProviderError(
      `${where} with ${owner ? 'both' : 'neither'} 'githubAppInstallationID' ${owner ? 'and' : 'nor'} 'githubAppInstallationOwner': give one of them`,
    );
  }
  return { id, privateKey, ...(owner ? { owner } : { installation }) };
}

async function installationToken(app: App, call: Call): Promise<IssuedToken> {
  const claim = await signedClaim(app);
  const id = encodeURIComponent(app.installation ?? (await installationOf(app, claim, call)));
  const answer = await call(`app/installations/${id}/access_tokens`, claim);
  const { token, expires_at: end } = objectOf(jsonOf(answer.body, 'GitHub'));
  if (typeof token !== 'string') {
    throw new DeliveryError('GitHub answered without a token for the installation of the App');
  }
  // Without an end it is used once.
  return { token, expiresAtMs: Date.parse(String(end)) || 0 };
}

/** The installation of an App at an organization, else at a user, of that name. */
async function installationOf({ owner = '' }: App, claim: string, call: Call): Promise<string> {
  const name = encodeURIComponent(owner);
  const missing = { method: 'GET', accept: [404] } as const;
  let answer = await call(`orgs/${name}/installation`, claim, missing);
  if (answer.status === 404) answer = await call(`users/${name}/installation`, claim, missing);
  if (answer.status === 404) {
    throw new UnusableProviderError(
      `the App is not installed at '${owner}', which the key 'githubAppInstallationOwner' of the Secret of spec.secretRef names: install it there, or correct the name`,
    );
  }
  return textOf(answer, 'id');
}

/** The claim to be an App, for some minutes; the library is loaded by the first App. */
async function signedClaim({ id, privateKey }: App): Promise<string> {
  const [{ SignJWT }, { createPrivateKey }] = await Promise.all([
    import('jose'),
    import('node:crypto'),
  ]);
  try {
    return await new SignJWT()
      .setProtectedHeader({ alg: 'RS256' })
      .setIssuer(id)
      // Their clock may be behind ours.
      .setIssuedAt('-1m')
      .setExpirationTime('8m')
      .sign(createPrivateKey(privateKey));
  } catch {
    throw new UnusableProviderError(
      "the key 'githubAppPrivateKey' of the Secret of spec.secretRef is no RSA key in PEM: put the one of the App there",
    );
  }
}
