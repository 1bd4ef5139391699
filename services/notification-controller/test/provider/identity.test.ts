import { systemClock } from '@sluice/shared/base';
import {
  azureScopes,
  CloudIdentities,
  createLocalDispatcher,
  TokenCache,
} from '@sluice/shared/cloud';
import type { KubeClient } from '@sluice/shared/kube';
import { localNetwork } from '@sluice/testing';
import { expect, test } from 'vitest';
import { endpointOf } from '../../src/provider/endpoint.ts';
import { createIdentityOf } from '../../src/provider/identity.ts';
import { ProviderPool } from '../../src/provider/pool.ts';
import { providerOf } from '../objects.ts';

test('the controller logs in nowhere for a Provider whose CA could let others read the token', async () => {
  const identities = new CloudIdentities({
    environment: {},
    isObjectLevel: true,
    defaultServiceAccount: '',
    tokens: new TokenCache({ maxSize: 1, maxDurationMs: 1000, clock: systemClock }),
    local: createLocalDispatcher(),
    clock: systemClock,
  });
  const provider = providerOf({ type: 'azureeventhub', channel: 'space', address: 'hub' });
  const endpoint = { ...(await endpointOf(provider, async () => ({}))), tls: { ca: 'PEM' } };
  const o = { pool: new ProviderPool(localNetwork), signal: new AbortController().signal };
  // Nothing of the cluster is read for that.
  const identity = createIdentityOf({} as KubeClient, identities)(provider, endpoint, o);
  const refusal = "the controller's identity is not used with a CA that the Provider names";
  await expect(identity.azure(azureScopes.eventHubs)).rejects.toThrow(refusal);
  await expect(identity.gcp()).rejects.toThrow(refusal);
});
