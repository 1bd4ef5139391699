import {
  type Alert,
  alertKind,
  type Condition,
  type KindDefinition,
  type KubeObject,
  type Provider,
  providerKind,
} from '@sluice/shared/api';
import { resourceOf } from '@sluice/shared/kube';
import { conditionsOf } from '@sluice/shared/runtime';
import { assertStatusContract, until } from '@sluice/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type OwnCluster, startOwnCluster } from '../own-cluster.ts';
import { startWorld, type World } from '../world.ts';

const alerts = resourceOf(alertKind as KindDefinition);
const providers = resourceOf(providerKind as KindDefinition);
const merge = { type: 'merge' } as const;

let cluster: OwnCluster;
let world: World;

beforeAll(async () => {
  cluster = await startOwnCluster();
});
afterAll(() => cluster.stop());

const keyOf = (name: string) => ({ namespace: world.namespace, name });
const ready = (alert: Alert): Condition | undefined =>
  conditionsOf(alert).find(({ type }) => type === 'Ready');
const whenReady = (name: string, fits: (condition: Condition | undefined) => boolean) =>
  until<Alert>(world.client, alerts, keyOf(name), (alert) => fits(ready(alert)));

const createProvider = (name: string) =>
  world.client.create<KubeObject & Pick<Provider, 'spec'>>(providers, {
    apiVersion: 'notification.toolkit.fluxcd.io/v1beta3',
    kind: 'Provider',
    metadata: keyOf(name),
    spec: { type: 'generic', address: 'https://audit.example.com' },
  });

test('with NATS, an Alert that asks for audit records says whether it gets them', async () => {
  world = await startWorld({ cluster });
  const { client } = world;
  try {
    const provider = { address: 'https://audit.example.com' };
    const name = await world.alert({ provider, alert: { audit: {} } });
    const good = await whenReady(name, (condition) => condition?.status === 'True');
    assertStatusContract(good);

    await client.patch(providers, keyOf(name), { spec: { type: 'slack' } }, merge);
    const bad = await whenReady(name, (condition) => condition?.status === 'False');
    assertStatusContract(bad);
    expect(ready(bad)).toMatchObject({ reason: 'UnsupportedProvider' });
    const event = await world.failureOf(name, 'UnsupportedProvider');
    expect(event.message).toContain('takes no audit records');

    await client.patch(providers, keyOf(name), { spec: { type: 'otel' } }, merge);
    await whenReady(name, (condition) => condition?.status === 'True');
    await client.delete(providers, keyOf(name));
    const gone = await whenReady(name, (condition) => condition?.status === 'False');
    expect(ready(gone)).toMatchObject({ reason: 'ProviderNotFound' });
    await createProvider(name);
    await whenReady(name, (condition) => condition?.status === 'True');

    await client.patch(alerts, keyOf(name), { spec: { audit: null } }, merge);
    const plain = await until<Alert>(
      client,
      alerts,
      keyOf(name),
      ({ status }) => status?.conditions === undefined,
    );
    expect(plain.status?.observedGeneration).toBeUndefined();
  } finally {
    await world.end();
  }
});

test('what it says fits together at every moment, also while its watch is behind its own writes', async () => {
  world = await startWorld({ cluster });
  const { client, namespace } = world;
  try {
    const names = Array.from({ length: 40 }, (_, at) => `late-${at}`);
    const { resourceVersion } = await client.list(alerts, { namespace });
    const signal = AbortSignal.timeout(30_000);
    const seen = (async () => {
      const good = new Set<string>();
      for await (const { object } of client.watch<Alert>(alerts, {
        namespace,
        resourceVersion,
        signal,
      })) {
        if (ready(object) === undefined) continue;
        assertStatusContract(object);
        if (ready(object)?.status === 'True') good.add(object.metadata.name);
        if (good.size === names.length) return;
      }
    })();
    // Each is said to have no Provider, which is there a moment later.
    for (const name of names) {
      await client.create<KubeObject & Pick<Alert, 'spec'>>(alerts, {
        apiVersion: 'notification.toolkit.fluxcd.io/v1beta3',
        kind: 'Alert',
        metadata: keyOf(name),
        spec: {
          providerRef: { name },
          eventSources: [{ kind: 'Kustomization', name: '*' }],
          audit: {},
        },
      });
      await createProvider(name);
    }
    await seen;
  } finally {
    await world.end();
  }
});

test('without NATS, it says that audit records need it, and other Alerts have no conditions', async () => {
  world = await startWorld({ cluster, nats: false });
  try {
    const provider = { address: 'https://audit.example.com' };
    const plain = await world.alert({ provider });
    const name = await world.alert({ provider, alert: { audit: { actions: ['approval'] } } });
    const alert = await whenReady(name, (condition) => condition?.status === 'False');
    assertStatusContract(alert);
    expect(ready(alert)).toMatchObject({
      reason: 'NatsRequired',
      message: expect.stringContaining('--nats-url'),
    });
    const { status } = await world.client.get<Alert>(alerts, keyOf(plain));
    expect(status).toBeUndefined();
  } finally {
    await world.end();
  }
});
