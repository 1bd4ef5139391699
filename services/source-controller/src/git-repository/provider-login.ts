import { RetryableError, StalledError } from '@sluice/shared/base';
import {
  azureScopes,
  type CloudIdentities,
  CloudLoginError,
  codeCommitLogin,
  codeCommitRegion,
  githubAppIn,
  githubAppKey,
  githubAppToken,
} from '@sluice/shared/cloud';
import { callerOf, cloudLogin, exposureOf, type NetworkPath, withoutTls } from '../source/cloud.ts';
import { urlInvalidReason } from '../source/names.ts';
import { basic, type SecretData } from '../source/secrets.ts';
import type { GitContext } from './deps.ts';

/** Reason of a provider that does not fit what else the spec says. */
export const invalidProviderReason = 'InvalidProviderConfiguration';

const azureHosts = /^(?:dev\.azure\.com|[a-z0-9-]+\.visualstudio\.com)$/;
/** Name under which a token of a GitHub App logs in. */
const githubUser = 'x-access-token';

/** What logging in by the provider of a GitRepository needs. */
export interface ProviderLogin {
  context: GitContext;
  identities: CloudIdentities;
  url: URL;
  secret?: SecretData;
  path: NetworkPath;
}

/**
 * Logs in to a repository as its `spec.provider` says.
 *
 * @returns the value of the Authorization header; undefined for the provider generic
 * @throws RetryableError `AuthenticationFailed` when the cloud gives no login
 * @throws StalledError `URLInvalid` when the repository is none of that cloud
 */
export async function providerLogin(login: ProviderLogin): Promise<string | undefined> {
  const { provider } = login.context.object.spec;
  switch (provider) {
    case 'azure':
      return cloudLogin(provider, () => azureLogin(login));
    case 'aws':
      return cloudLogin(provider, () => awsLogin(login));
    case 'github':
      return cloudLogin(provider, () => githubLogin(login));
    default:
      return undefined;
  }
}

async function azureLogin(login: ProviderLogin): Promise<string> {
  const { url, identities } = login;
  // Whoever gets the token can use it.
  if (url.protocol !== 'https:' || !azureHosts.test(url.hostname)) {
    throw new StalledError(
      urlInvalidReason,
      "spec.url is no repository of Azure DevOps, which alone gets its tokens: write https://dev.azure.com/<organization>/<project>/_git/<name>, or leave out provider 'azure'",
    );
  }
  return `Bearer ${await identities.azure(identityOf(login), azureScopes.devOps)}`;
}

async function awsLogin(login: ProviderLogin): Promise<string> {
  const { url, identities, context } = login;
  const region = regionOf(url);
  const credentials = await identities.aws(identityOf(login), { region });
  const { username, password } = codeCommitLogin(url, credentials, context.clock.now());
  return basic(username, password);
}

/** @throws StalledError `URLInvalid` */
function regionOf(url: URL): string {
  try {
    return codeCommitRegion(url);
  } catch (cause) {
    if (!(cause instanceof CloudLoginError)) throw cause;
    throw new StalledError(urlInvalidReason, cause.message, { cause });
  }
}

async function githubLogin(login: ProviderLogin): Promise<string> {
  const { identities, secret } = login;
  const where = `secret '${secret?.id}'`;
  const app = secret && githubAppIn(secret.values, where);
  if (app === undefined) {
    throw new StalledError(
      invalidProviderReason,
      "spec.provider 'github' needs a GitHub App in spec.secretRef: githubAppID, githubAppPrivateKey, and githubAppInstallationID or githubAppInstallationOwner",
    );
  }
  const { context, path } = login;
  const token = await identities.issued(callerOf(context, path, {}), githubAppKey(app), (door) =>
    githubAppToken(app, where, door),
  );
  return basic(githubUser, token);
}

function identityOf({ context, path }: ProviderLogin) {
  const { serviceAccountName } = context.object.spec;
  const exposedBy = exposureOf(path.endpoint);
  return callerOf(context, withoutTls(path), { serviceAccountName, exposedBy });
}

/**
 * Refuses a GitHub App that the provider does not use: the repository would be asked without it.
 *
 * @throws RetryableError `InvalidProviderConfiguration`
 */
export function checkApp({ id, values }: SecretData): void {
  if (!values['githubAppID']) return;
  throw new RetryableError(
    invalidProviderReason,
    `secret '${id}' holds a GitHub App: set spec.provider to github, or remove githubAppID`,
  );
}
