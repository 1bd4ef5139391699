import { randomBytes } from 'node:crypto';
import {
  type KindDefinition,
  type KubeObject,
  type Provider,
  providerKind,
  replayDeadLettersAnnotation,
  toCustomResourceDefinition,
} from '@sluice/shared/api';
import { silentLogger } from '@sluice/shared/base';
import { coreResources, createInformer, type KubeClient, resourceOf } from '@sluice/shared/kube';
import { createEventRecorder } from '@sluice/shared/runtime';
import { testCluster, testNamespace } from '@sluice/testing';
import { beforeAll, expect, test, vi } from 'vitest';
import { Replays } from '../../src/delivery/replays.ts';
import { providerOf } from '../objects.ts';

const controllerName = 'notification-controller';

let client: KubeClient;
let namespace: string;

beforeAll(async () => {
  ({ client } = await testCluster());
  namespace = await testNamespace(client, 'replays');
});

test('a replay is refused, by an Event, where Providers have no status to note it in', async () => {
  const group = `g${randomBytes(4).toString('hex')}.example`;
  const kind: KindDefinition<Provider> = { ...providerKind, group, hasStatus: false };
  const resource = resourceOf(kind as KindDefinition);
  const definition = toCustomResourceDefinition(kind as KindDefinition);
  await client.create(coreResources.customResourceDefinitions, definition as KubeObject);
  const isServed = () =>
    client.list(resource, { namespace }).then(
      () => true,
      () => false,
    );
  await vi.waitUntil(isServed, { timeout: 30_000 });
  const annotations = { [replayDeadLettersAnnotation]: 'now' };
  await client.create<Provider>(resource, {
    ...providerOf({}, { namespace, name: 'flux', annotations }),
    apiVersion: `${group}/v1beta3`,
  });
  const providers = createInformer<Provider>({ client, resource, namespace, logger: silentLogger });
  providers.start();
  const stop = new AbortController();
  await providers.synced(stop.signal);
  let replays = 0;
  const running = new Replays({
    client,
    kind,
    providers,
    controllerName,
    logger: silentLogger,
    events: createEventRecorder({ client, controllerName, logger: silentLogger }),
    replay: async () => {
      replays++;
      return { replayed: 0, more: false };
    },
  }).run(stop.signal);
  try {
    const fieldSelector = 'involvedObject.name=flux,reason=ReplayRefused';
    const told = await vi.waitUntil(
      async () => {
        const { items } = await client.list<KubeObject & { message: string; type: string }>(
          coreResources.events,
          { namespace, fieldSelector },
        );
        return items[0];
      },
      { timeout: 30_000 },
    );
    expect(told).toMatchObject({
      type: 'Warning',
      message: expect.stringContaining('install the CRDs of Sluice'),
    });
    expect(replays).toBe(0);
  } finally {
    stop.abort();
    await running;
    await providers.stop();
  }
});
