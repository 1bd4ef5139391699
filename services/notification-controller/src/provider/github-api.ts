import type { Endpoint, ProviderAnswer, ProviderRequest, Send } from './adapter.ts';
import { jsonOf, objectOf } from './answer.ts';
import { bearer, tokenOrPasswordOf } from './credentials.ts';
import { DeliveryError, UnusableProviderError } from './delivery-error.ts';
import { ownedRepositoryOf } from './repository.ts';

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
export async function githubApi(endpoint: Endpoint, send: Send): Promise<GithubApi> {
  const { owned, origin, host } = ownedRepositoryOf(endpoint);
  const base = host === 'github.com' ? 'https://api.github.com' : `${origin}/api/v3`;
  const call = (path: string, token: string, request: Omit<ProviderRequest, 'url'> = {}) =>
    send({
      ...request,
      url: `${base}/${path}`,
      headers: { ...headers, ...bearer(token), ...request.headers },
    });
  const app = appOf(endpoint);
  const jwt = app && (await signedClaim(app));
  const token =
    app && jwt !== undefined
      ? await installationToken(
          await call(`app/installations/${app.installation}/access_tokens`, jwt),
        )
      : tokenOrPasswordOf(endpoint, 'token');
  return {
    send: (path, request) => call(`repos/${owned}/${path}`, token, request),
    async login() {
      const [path, credential, key] =
        jwt === undefined ? (['user', token, 'login'] as const) : (['app', jwt, 'slug'] as const);
      const { body } = await call(path, credential, { method: 'GET' });
      const name = String(objectOf(jsonOf(body, 'GitHub'))[key] ?? '');
      return jwt === undefined ? name : `${name}[bot]`;
    },
  };
}

interface App {
  id: string;
  installation: string;
  privateKey: string;
}

/** @throws DeliveryError when the Secret names a part of a GitHub App, and not all of it */
function appOf({ token, password, secret }: Endpoint): App | undefined {
  if (token || password || !secret['githubAppID']) return undefined;
  const keys = ['githubAppInstallationID', 'githubAppPrivateKey'] as const;
  const missing = keys.find((key) => !secret[key]);
  if (missing !== undefined) {
    throw new UnusableProviderError(
      `the Secret of spec.secretRef has githubAppID without '${missing}': add it`,
    );
  }
  const [installation = '', privateKey = ''] = keys.map((key) => secret[key]);
  return { id: secret['githubAppID'], installation: encodeURIComponent(installation), privateKey };
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

function installationToken({ body }: ProviderAnswer): string {
  const { token } = objectOf(jsonOf(body, 'GitHub'));
  if (typeof token === 'string') return token;
  throw new DeliveryError('GitHub answered without a token for the installation of the App');
}
