import type { Provider } from '@sluice/shared/api';
import {
  type CloudCaller,
  type CloudIdentities,
  FeatureGateError,
  type GithubApp,
  githubAppAuthor,
  githubAppKey,
  githubAppToken,
  LoginSettingsError,
  withLogin,
} from '@sluice/shared/cloud';
import type { KubeClient } from '@sluice/shared/kube';
import type { Endpoint } from './adapter.ts';
import { DeliveryError, UnusableProviderError } from './delivery-error.ts';
import type { ProviderPool } from './pool.ts';
import type { GithubLogin, ProviderIdentity } from './provider-identity.ts';

/** Makes the identity of a Provider; nothing is asked before it is needed. */
export type IdentityOf = (
  provider: Provider,
  endpoint: Endpoint,
  o: IdentityPaths,
) => ProviderIdentity;

export interface IdentityPaths {
  /** To services that log in to clouds. */
  logins: ProviderPool;
  /** To the service of the Provider itself, which gives the tokens of GitHub Apps. */
  service: ProviderPool;
  signal: AbortSignal;
}

/** Makes the identities of Providers. */
export function createIdentityOf(client: KubeClient, identities: CloudIdentities): IdentityOf {
  return ({ kind, metadata: { namespace = '', name } }, endpoint, paths) => {
    const { serviceAccountName, proxy = '' } = endpoint;
    const { logins, service, signal } = paths;
    const user = { kind, namespace, name };
    // The certificates are for the service.
    const path = { ...endpoint, tls: undefined };
    const caller = (): CloudCaller => ({
      client,
      namespace,
      ...(serviceAccountName && { serviceAccountName }),
      user,
      dispatcher: logins.dispatcherFor(path),
      via: proxy,
      exposedBy: endpoint.tls?.ca === undefined ? undefined : 'a CA that the Provider names',
      signal,
    });
    return {
      azure: (scope) => loggingIn('the cloud', () => identities.azure(caller(), scope)),
      gcp: () => loggingIn('the cloud', () => identities.gcp(caller())),
      github: (app, where) =>
        githubLogin(identities, {
          app,
          where,
          path: { dispatcher: service.dispatcherFor(endpoint), via: proxy, user, signal },
        }),
    };
  };
}

function githubLogin(
  identities: CloudIdentities,
  o: {
    app: GithubApp;
    where: string;
    path: Pick<CloudCaller, 'dispatcher' | 'via' | 'user' | 'signal'>;
  },
): GithubLogin {
  const { app, where, path } = o;
  const key = githubAppKey(app);
  const issued = (about: string[], issue: typeof githubAppToken) =>
    loggingIn('GitHub', () => identities.issued(path, about, (door) => issue(app, where, door)));
  return {
    token: () => issued(key, githubAppToken),
    forget: () => identities.forget(path, key),
    author: () => issued(['author', ...key], githubAppAuthor),
  };
}

/** @throws UnusableProviderError when nothing but another setting helps; DeliveryError when there is no login now */
function loggingIn<T>(to: string, run: () => Promise<T>): Promise<T> {
  return withLogin(run, (cause) => {
    if (cause instanceof FeatureGateError) {
      return new UnusableProviderError(`spec.serviceAccountName: ${cause.message}`);
    }
    const message = `the provider cannot log in to ${to}: ${cause.message}`;
    if (cause instanceof LoginSettingsError) return new UnusableProviderError(message, { cause });
    return new DeliveryError(message, { retryAfterMs: cause.retryAfterMs, cause });
  });
}

/**
 * Refuses a token beside a ServiceAccount: only one of them can be used.
 *
 * @throws UnusableProviderError
 */
export function checkOneLogin({ token, serviceAccountName }: Endpoint): void {
  if (!token || !serviceAccountName) return;
  throw new UnusableProviderError(
    "the Secret of spec.secretRef has a 'token' beside spec.serviceAccountName: remove one of them",
  );
}
