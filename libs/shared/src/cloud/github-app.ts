import { CloudLoginError, LoginSettingsError } from './cloud-error.ts';
import { askJson, type CloudDoor, stringIn } from './exchange.ts';
import { signClaims } from './jwt.ts';
import type { Issued } from './token-cache.ts';

/** A GitHub App, and its installation: the number of it, or whose it is. */
export interface GithubApp {
  id: string;
  installation?: string;
  owner?: string;
  privateKey: string;
  /** Address of the API. */
  baseUrl: string;
}

const publicApi = 'https://api.github.com';
/** An App is seldom renamed. */
const authorLifeMs = 60 * 60_000;

/**
 * Takes a GitHub App from the values of a Secret.
 *
 * @param where names the Secret, for the message
 * @returns undefined when it holds none
 * @throws LoginSettingsError when it names a part of an App, and not all of it
 */
export function githubAppIn(
  values: Record<string, string | undefined>,
  where: string,
): GithubApp | undefined {
  const id = values['githubAppID']?.trim();
  if (!id) return undefined;
  const installation = values['githubAppInstallationID']?.trim();
  const owner = values['githubAppInstallationOwner']?.trim();
  const privateKey = values['githubAppPrivateKey'];
  const baseUrl = values['githubAppBaseURL']?.trim() || publicApi;
  if (!/^\d+$/.test(id) || (installation && !/^\d+$/.test(installation))) {
    throw new LoginSettingsError(
      `${where}: githubAppID and githubAppInstallationID must be numbers: correct them`,
    );
  }
  if (!privateKey) throw new LoginSettingsError(`${where} has no githubAppPrivateKey: add it`);
  if (!installation === !owner) {
    throw new LoginSettingsError(
      `${where} has ${owner ? 'both' : 'neither'} githubAppInstallationID ${owner ? 'and' : 'nor'} githubAppInstallationOwner: give one of them`,
    );
  }
  if (!/^https?:$/.test(URL.parse(baseUrl)?.protocol ?? '')) {
    throw new LoginSettingsError(
      `${where}: githubAppBaseURL must be an https:// address: correct it`,
    );
  }
  return { id, privateKey, baseUrl, ...(owner ? { owner } : { installation }) };
}

/** All that the token of an App depends on. */
export function githubAppKey(app: GithubApp): string[] {
  return ['github', app.baseUrl, app.id, app.installation ?? '', app.owner ?? '', app.privateKey];
}

/**
 * Gets a token for the installation of an App.
 *
 * @param where names the Secret, for the message
 * @throws CloudLoginError
 * @see https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app
 */
export async function githubAppToken(
  app: GithubApp,
  where: string,
  door: CloudDoor,
): Promise<Issued<string>> {
  const ask = await askingAs(app, where, door);
  const installation = app.installation ?? (await installationOf(app, ask));
  const answer = await ask('POST', `app/installations/${installation}/access_tokens`);
  return {
    value: stringIn(answer, 'token', 'GitHub'),
    // Without an end it is used once.
    expiresAtMs: Date.parse(String(answer['expires_at'])) || 0,
  };
}

/**
 * Gets the name by which GitHub shows what an App has written.
 *
 * @param where names the Secret, for the message
 * @throws CloudLoginError
 */
export async function githubAppAuthor(
  app: GithubApp,
  where: string,
  door: CloudDoor,
): Promise<Issued<string>> {
  const ask = await askingAs(app, where, door);
  const slug = stringIn(await ask('GET', 'app'), 'slug', 'GitHub');
  return { value: `${slug}[bot]`, expiresAtMs: door.clock.now() + authorLifeMs };
}

type Ask = (method: 'GET' | 'POST', path: string) => Promise<Record<string, unknown>>;

/** Requests that an App makes as itself, by a claim that it signs. */
async function askingAs(app: GithubApp, where: string, door: CloudDoor): Promise<Ask> {
  const key = { pem: app.privateKey, where: `githubAppPrivateKey of ${where}` };
  const claims = { issuer: app.id, earlySeconds: 30, lifeSeconds: 90 };
  const claim = await signClaims(claims, key, door.clock);
  return (method, path) =>
    askJson(
      {
        method,
        url: `${app.baseUrl.replace(/\/+$/, '')}/${path}`,
        headers: {
          accept: 'application/vnd.github+json',
          authorization: `Bearer ${claim}`,
          'x-github-api-version': '2022-11-28',
        },
        secrets: [claim],
      },
      door,
    );
}

/** The installation of an App at an organization, else at a user, of that name. */
async function installationOf({ owner = '' }: GithubApp, ask: Ask): Promise<string> {
  const name = encodeURIComponent(owner);
  let last: unknown;
  for (const path of [`orgs/${name}/installation`, `users/${name}/installation`]) {
    try {
      const { id } = await ask('GET', path);
      if (typeof id === 'number') return String(id);
    } catch (error) {
      if (!(error instanceof CloudLoginError)) throw error;
      last = error;
    }
  }
  throw new LoginSettingsError(
    `the GitHub App is not installed at '${owner}', which githubAppInstallationOwner names: install it there, or correct the name`,
    { cause: last },
  );
}
