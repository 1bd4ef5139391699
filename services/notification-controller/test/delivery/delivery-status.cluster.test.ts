import { randomBytes } from 'node:crypto';
import {
  type Alert,
  alertKind,
  type KindDefinition,
  type KubeObject,
  type Provider,
  providerKind,
  toCustomResourceDefinition,
} from '@sluice/shared/api';
import { silentLogger } from '@sluice/shared/base';
import { coreResources, type KubeClient, resourceOf } from '@sluice/shared/kube';
import { testCluster, testNamespace, until } from '@sluice/testing';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import type { AttemptResult, Delivery } from '../../src/delivery/delivery.ts';
import { DeliveryStatus } from '../../src/delivery/delivery-status.ts';
import { StatusCounter } from '../../src/delivery/status-counter.ts';
import { alertOf, eventOf, providerOf } from '../objects.ts';
import { useWorld } from '../use-world.ts';
import { about } from '../world.ts';

const failed: AttemptResult = { type: 'failed', error: 'status 500', permanent: false };

describe('notification-controller', () => {
  const bed = useWorld({ args: ['--delivery-give-up-after=0s'] });

  const statusOf = <T extends Alert | Provider>(
    kind: KindDefinition<T>,
    name: string,
    fits: (status: NonNullable<T['status']>) => boolean,
  ) =>
    until<T>(
      bed.world.client,
      resourceOf(kind as KindDefinition),
      { namespace: bed.world.namespace, name },
      ({ status }) => status !== undefined && fits(status as NonNullable<T['status']>),
    );

  test('counts what it delivers and what it does not, on the Alert and the Provider', async () => {
    const name = await bed.world.alert({ provider: { address: bed.service.url } });
    const first = await bed.world.publish();
    await bed.service.waitFor(about(first.message));
    await bed.world.publish({ message: first.message });
    const second = await bed.world.publish();
    await bed.service.waitFor(about(second.message));
    const isCounted = (status: NonNullable<Alert['status']>) =>
      status.delivered === 2 && status.suppressed === 1;
    const provider = await statusOf(providerKind, name, isCounted);
    const alert = await statusOf(alertKind, name, isCounted);
    for (const { status, metadata } of [provider, alert]) {
      expect(status).toEqual({
        delivered: 2,
        suppressed: 1,
        lastDeliveryTime: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
      });
      expect(metadata.generation).toBe(1);
    }
  });

  test('tells why an attempt failed, without the secret in the address', async () => {
    const name = await bed.world.alert({
      provider: {},
      secret: { address: `${bed.service.url}/services/canary-of-status` },
    });
    bed.service.respond({ status: 500, body: 'no such thing as canary-of-status' });
    await bed.world.publish();
    const { status } = await statusOf(
      providerKind,
      name,
      ({ deadLettered = 0 }) => deadLettered === 1,
    );
    expect(status?.failed).toBeGreaterThanOrEqual(5);
    expect(status?.lastError).toContain('status 500');
    expect(status?.lastError).not.toContain('canary-of-status');
    expect(status?.delivered).toBeUndefined();
  });
});

describe('the status', () => {
  let client: KubeClient;
  let namespace: string;

  beforeAll(async () => {
    ({ client } = await testCluster());
    namespace = await testNamespace(client, 'status');
  });

  const deliveryTo = (name: string): Delivery => ({
    id: 'id',
    key: 'key',
    event: eventOf(),
    alert: { namespace, name },
    provider: name,
  });

  async function objects(name: string) {
    const metadata = { namespace, name };
    const [alert, provider] = await Promise.all([
      client.create<Alert>(resourceOf(alertKind), alertOf({}, metadata)),
      client.create<Provider>(resourceOf(providerKind), providerOf({}, metadata)),
    ]);
    // As a cache that lags behind has them: as they were at first.
    return { alertOf: () => alert, providerOf: () => provider };
  }

  const counting = (o: Awaited<ReturnType<typeof objects>>) =>
    new DeliveryStatus({
      ...o,
      client,
      controllerName: 'notification-controller',
      logger: silentLogger,
    });

  test('sums what replicas count at the same time', async () => {
    const cached = await objects('summed');
    const replicas = [counting(cached), counting(cached), counting(cached)];
    for (const replica of replicas) {
      for (let i = 0; i < 10; i++) {
        replica.attempted(deliveryTo('summed'), { type: 'delivered' });
      }
      replica.attempted(deliveryTo('summed'), failed);
    }
    await Promise.all(replicas.map((replica) => replica.close()));
    const key = { namespace, name: 'summed' };
    for (const kind of [alertKind, providerKind] as KindDefinition[]) {
      const { status } = await client.get<Alert>(resourceOf(kind), key);
      expect(status).toMatchObject({ delivered: 30, failed: 3, lastError: 'status 500' });
    }
  });

  test('is not written while there is nothing to count', async () => {
    const cached = await objects('idle');
    await counting(cached).close();
    const { metadata, status } = await client.get<Alert>(resourceOf(alertKind), {
      namespace,
      name: 'idle',
    });
    expect(status).toBeUndefined();
    expect(metadata.resourceVersion).toBe(cached.alertOf().metadata.resourceVersion);
  });

  test('of an object that is gone is no error', async () => {
    const cached = await objects('gone');
    await client.delete(resourceOf(alertKind), { namespace, name: 'gone' });
    const status = counting(cached);
    status.attempted(deliveryTo('gone'), { type: 'delivered' });
    await status.close();
    const key = { namespace, name: 'gone' };
    expect((await client.get<Provider>(resourceOf(providerKind), key)).status).toMatchObject({
      delivered: 1,
    });
  });

  test('is left alone where the definition has none, as that of Flux', async () => {
    const group = `g${randomBytes(4).toString('hex')}.example`;
    const kind: KindDefinition<Alert> = { ...alertKind, group, hasStatus: false };
    const definition = toCustomResourceDefinition(kind as KindDefinition);
    await client.create(coreResources.customResourceDefinitions, definition as KubeObject);
    const resource = resourceOf(kind as KindDefinition);
    const isServed = () =>
      client.list(resource, { namespace }).then(
        () => true,
        () => false,
      );
    await vi.waitUntil(isServed, { timeout: 30_000 });
    const object = { ...alertOf({}, { namespace, name: 'flux' }), apiVersion: `${group}/v1beta3` };
    const created = await client.create<Alert>(resource, object);
    const counter = new StatusCounter({
      client,
      kind,
      objectOf: () => created,
      controllerName: 'notification-controller',
      logger: silentLogger,
    });
    counter.count(`${namespace}/flux`, { delivered: 1 });
    await counter.close();
    const key = { namespace, name: 'flux' };
    const { metadata } = await client.get(resource, key);
    expect(metadata.resourceVersion).toBe(created.metadata.resourceVersion);
  });
});
