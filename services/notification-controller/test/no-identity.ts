import type { Provider } from '@sluice/shared/api';
import { systemClock } from '@sluice/shared/base';
import { CloudIdentities, createLocalDispatcher, TokenCache } from '@sluice/shared/cloud';
import type { KubeClient } from '@sluice/shared/kube';
import type { Endpoint } from '../src/provider/adapter.ts';
import { DeliveryError } from '../src/provider/delivery-error.ts';
import { createIdentityOf } from '../src/provider/identity.ts';
import type { ProviderPool } from '../src/provider/pool.ts';
import type { ProviderIdentity } from '../src/provider/provider-identity.ts';

/** A controller, and a Provider, without an identity in a cloud. */
export const noIdentity: ProviderIdentity = {
  azure: () => Promise.reject(new DeliveryError('no identity in Azure')),
  gcp: () => Promise.reject(new DeliveryError('no identity in Google’s cloud')),
  github: () => {
    throw new DeliveryError('no GitHub App');
  },
};

/** Those that a controller has which knows no cloud. */
export function identitiesOf(
  tokens = new TokenCache({ maxSize: 100, maxDurationMs: 3_600_000, clock: systemClock }),
): CloudIdentities {
  return new CloudIdentities({
    environment: {},
    isObjectLevel: true,
    defaultServiceAccount: '',
    defaultFlag: 'default-service-account',
    tokens,
    local: createLocalDispatcher(),
    clock: systemClock,
  });
}

/** No identity in a cloud, and that of a GitHub App as the Provider's Secret has it. */
export function appIdentity(
  provider: Provider,
  endpoint: Endpoint,
  o: { pool: ProviderPool; identities?: CloudIdentities },
): ProviderIdentity {
  const { pool, identities = identitiesOf() } = o;
  const { signal } = new AbortController();
  // Nothing of the cluster is read for that.
  const identityOf = createIdentityOf({} as KubeClient, identities);
  const { github } = identityOf(provider, endpoint, { logins: pool, service: pool, signal });
  return { ...noIdentity, github };
}
