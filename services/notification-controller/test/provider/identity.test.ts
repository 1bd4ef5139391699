import { azureScopes } from '@sluice/shared/cloud';
import type { KubeClient } from '@sluice/shared/kube';
import { localNetwork } from '@sluice/testing';
import { expect, test } from 'vitest';
import { endpointOf } from '../../src/provider/endpoint.ts';
import { createIdentityOf } from '../../src/provider/identity.ts';
import { ProviderPool } from '../../src/provider/pool.ts';
import { identitiesOf } from '../no-identity.ts';
import { providerOf } from '../objects.ts';

test('the controller logs in nowhere for a Provider whose CA could let others read the token', async () => {
  const provider = providerOf({ type: 'azureeventhub', channel: 'space', address: 'hub' });
  const endpoint = { ...(await endpointOf(provider, async () => ({}))), tls: { ca: 'PEM' } };
  const pool = new ProviderPool(localNetwork);
  const o = { logins: pool, service: pool, signal: new AbortController().signal };
  // Nothing of the cluster is read for that.
  const identity = createIdentityOf({} as KubeClient, identitiesOf())(provider, endpoint, o);
  const refusal = "the controller's identity is not used with a CA that the Provider names";
  await expect(identity.azure(azureScopes.eventHubs)).rejects.toThrow(refusal);
  await expect(identity.gcp()).rejects.toThrow(refusal);
});
