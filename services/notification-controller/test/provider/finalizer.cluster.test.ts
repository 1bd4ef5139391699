import { alertKind, type KindDefinition, type KubeObject, providerKind } from '@sluice/shared/api';
import { resourceOf } from '@sluice/shared/kube';
import { untilGone } from '@sluice/testing';
import { afterAll, beforeAll, test } from 'vitest';
import { startWorld, type World } from '../world.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld({ nats: false });
});
afterAll(() => world?.end());

// Flux holds Providers, and did so with Alerts; nobody else would let them go once it is gone.
test.each([
  { kind: providerKind, spec: { type: 'generic', address: 'http://127.0.0.1:9' } },
  {
    kind: alertKind,
    spec: { providerRef: { name: 'held' }, eventSources: [{ kind: 'Kustomization', name: '*' }] },
  },
])('a $kind.kind that Flux holds can be deleted', async ({ kind, spec }) => {
  const { client, namespace } = world;
  const key = { namespace, name: 'held' };
  const resource = resourceOf(kind as KindDefinition);
  await client.create(resource, {
    apiVersion: `${kind.group}/${kind.version}`,
    kind: kind.kind,
    metadata: { ...key, finalizers: ['finalizers.fluxcd.io'] },
    spec,
  } as KubeObject);
  await client.delete(resource, key);
  await untilGone(client, resource, key);
});
