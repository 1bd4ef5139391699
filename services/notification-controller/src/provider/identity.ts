import type { Provider } from '@sluice/shared/api';
import {
  type CloudCaller,
  type CloudIdentities,
  FeatureGateError,
  withLogin,
} from '@sluice/shared/cloud';
import type { KubeClient } from '@sluice/shared/kube';
import type { Endpoint } from './adapter.ts';
import { DeliveryError, UnusableProviderError } from './delivery-error.ts';
import type { ProviderPool } from './pool.ts';
import type { ProviderIdentity } from './provider-identity.ts';

/** Makes the identity of a Provider; nothing is asked before it is needed. */
export type IdentityOf = (
  provider: Provider,
  endpoint: Endpoint,
  o: { pool: ProviderPool; signal: AbortSignal },
) => ProviderIdentity;

/** Makes the identities of Providers. */
export function createIdentityOf(client: KubeClient, identities: CloudIdentities): IdentityOf {
  return ({ kind, metadata: { namespace = '', name } }, endpoint, { pool, signal }) => {
    const { serviceAccountName, proxy = '' } = endpoint;
    // The certificates are for the service.
    const path = { ...endpoint, tls: undefined };
    const caller = (): CloudCaller => ({
      client,
      namespace,
      ...(serviceAccountName && { serviceAccountName }),
      user: { kind, namespace, name },
      dispatcher: pool.dispatcherFor(path),
      via: proxy,
      exposedBy: endpoint.tls?.ca === undefined ? undefined : 'a CA that the Provider names',
      signal,
    });
    const login = <T>(run: () => Promise<T>) =>
      withLogin(run, (cause) => {
        const message = `the provider cannot log in to the cloud: ${cause.message}`;
        const { retryAfterMs } = cause;
        return cause instanceof FeatureGateError
          ? new UnusableProviderError(`spec.serviceAccountName: ${cause.message}`)
          : new DeliveryError(message, { retryAfterMs, cause });
      });
    return {
      azure: (scope) => login(() => identities.azure(caller(), scope)),
      gcp: () => login(() => identities.gcp(caller())),
    };
  };
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
