import { createHmac, randomBytes } from 'node:crypto';
import {
  gitRepositoryKind,
  type KubeObject,
  type Receiver,
  type ReceiverStatus,
  receiverKind,
  reconcileRequestAnnotation,
} from '@sluice/shared/api';
import { FakeClock, silentLogger } from '@sluice/shared/base';
import { coreResources, type KubeClient, resourceOf } from '@sluice/shared/kube';
import { assertStatusContract, type Controllers, until } from '@sluice/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CallLog } from '../../src/receiver/last-call.ts';
import { webhookPath } from '../../src/receiver/webhook-path.ts';
import { startWorld, type World } from '../world.ts';

let world: World;

beforeAll(async () => {
  world = await startWorld();
});

afterAll(() => world?.end());

const receivers = resourceOf(receiverKind);
const repositories = resourceOf(gitRepositoryKind);
const token = 'webhook-canary';
const unique = () => `c${randomBytes(4).toString('hex')}`;
const keyOf = (name: string) => ({ namespace: world.namespace, name });

/** Creates a Receiver of type github; resolves when the server takes its webhooks. */
async function receiver(spec: Partial<Receiver['spec']>): Promise<string> {
  const name = unique();
  await world.client.create(coreResources.secrets, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: keyOf(name),
    stringData: { token },
  } as KubeObject);
  await world.client.create<KubeObject & Pick<Receiver, 'spec'>>(receivers, {
    apiVersion: 'notification.toolkit.fluxcd.io/v1',
    kind: 'Receiver',
    metadata: keyOf(name),
    spec: { type: 'github', secretRef: { name }, resources: [], ...spec },
  });
  await until<Receiver>(world.client, receivers, keyOf(name), ({ status }) =>
    Boolean(status?.webhookPath),
  );
  return name;
}

async function repository(spec: object = {}, labels = {}): Promise<string> {
  const name = unique();
  await world.client.create(repositories, {
    apiVersion: 'source.toolkit.fluxcd.io/v1',
    kind: 'GitRepository',
    metadata: { ...keyOf(name), labels },
    spec: { interval: '1h', url: 'https://git.example.org/x', suspend: true, ...spec },
  } as KubeObject);
  return name;
}

async function requestedAt(name: string): Promise<string | undefined> {
  const { metadata } = await world.client.get(repositories, keyOf(name));
  return metadata.annotations?.[reconcileRequestAnnotation];
}

/** Pushes as GitHub does; while the server has not seen the Receiver yet, it is asked again. */
async function push(
  name: string,
  o: { id?: string; ref?: string; key?: string; to?: Controllers } = {},
) {
  const { id = unique(), ref = 'refs/heads/main', key = token, to = world.controllers } = o;
  const body = JSON.stringify({ ref });
  const headers = {
    'content-type': 'application/json',
    'x-github-event': 'push',
    'x-github-delivery': id,
    'x-hub-signature-256': `sha256=${createHmac('sha256', key).update(body).digest('hex')}`,
  };
  const url = `${to.receiverUrl}${webhookPath(token, name, world.namespace)}`;
  for (;;) {
    const response = await fetch(url, { method: 'POST', body, headers });
    await response.body?.cancel();
    if (![404, 503].includes(response.status)) return response.status;
  }
}

const callOf = async (name: string, result: string): Promise<Receiver> =>
  until<Receiver>(
    world.client,
    receivers,
    keyOf(name),
    ({ status }) => status?.lastCall?.result === result,
  );

describe('a webhook', () => {
  test('that is delivered twice asks for one reconciliation', async () => {
    const shop = await repository();
    const name = await receiver({ resources: [{ kind: 'GitRepository', name: shop }] });
    const id = unique();
    expect(await push(name, { id })).toBe(200);
    const first = await requestedAt(shop);
    expect(first).toBeDefined();
    expect(await push(name, { id })).toBe(200);
    expect(await requestedAt(shop)).toBe(first);
    expect(await push(name)).toBe(200);
    expect(await requestedAt(shop)).not.toBe(first);
  });

  test('that is delivered twice, to two replicas or before and after a kill, asks for one', async () => {
    const replica = await world.replica();
    const shop = await repository();
    const name = await receiver({ resources: [{ kind: 'GitRepository', name: shop }] });
    const id = unique();
    expect(await push(name, { id })).toBe(200);
    const first = await requestedAt(shop);
    expect(await push(name, { id, to: replica })).toBe(200);
    expect(await requestedAt(shop)).toBe(first);
    await callOf(name, 'Repeated');
    const controller = world.controllers.processes['notification-controller'];
    await controller.kill();
    await controller.start();
    expect(await push(name, { id })).toBe(200);
    expect(await requestedAt(shop)).toBe(first);
    expect(await push(name, { to: replica })).toBe(200);
    expect(await requestedAt(shop)).not.toBe(first);
  });

  test('that failed is done when it is delivered again', async () => {
    const missing = unique();
    const name = await receiver({ resources: [{ kind: 'GitRepository', name: missing }] });
    const id = unique();
    expect(await push(name, { id })).toBe(500);
    await world.client.create(repositories, {
      apiVersion: 'source.toolkit.fluxcd.io/v1',
      kind: 'GitRepository',
      metadata: keyOf(missing),
      spec: { interval: '1h', url: 'https://git.example.org/x', suspend: true },
    } as KubeObject);
    expect(await push(name, { id })).toBe(200);
    expect(await requestedAt(missing)).toBeDefined();
  });

  test('of a forger does not pass for a repetition', async () => {
    const name = await receiver({});
    const id = unique();
    expect(await push(name, { id })).toBe(200);
    expect(await push(name, { id, key: 'wrong' })).toBe(400);
  });

  test('asks with onlyPushedRef the GitRepositories that follow the branch', async () => {
    const app = unique();
    const [main, other, tags] = [
      await repository({ ref: { branch: 'main' } }, { app }),
      await repository({ ref: { branch: 'other' } }, { app }),
      await repository({ ref: { semver: '>=1' } }),
    ];
    const name = await receiver({
      onlyPushedRef: true,
      resources: [
        { kind: 'GitRepository', name: '*', matchLabels: { app } },
        { kind: 'GitRepository', name: tags },
      ],
    });
    expect(await push(name)).toBe(200);
    expect(await requestedAt(main)).toBeDefined();
    expect(await requestedAt(other)).toBeUndefined();
    expect(await requestedAt(tags)).toBeUndefined();
    expect(await push(name, { ref: 'refs/tags/v1.2.3' })).toBe(200);
    expect(await requestedAt(tags)).toBeDefined();
    expect(await requestedAt(other)).toBeUndefined();
    // It names no branch.
    expect(await push(name, { ref: 'main' })).toBe(200);
    expect(await requestedAt(other)).toBeDefined();
  });
});

describe('the last call in the status', () => {
  test('says that all objects were asked', async () => {
    const name = await receiver({});
    await push(name);
    const called = await callOf(name, 'Succeeded');
    expect(called.status?.lastCall?.reason).toBeUndefined();
    assertStatusContract(called);
    // As clients expect of a status: the manager of all of it.
    const ofStatus = called.metadata.managedFields?.filter((f) => f.subresource === 'status');
    expect(ofStatus?.map(({ manager }) => manager)).toEqual(['gotk-notification-controller']);
  });

  test('says why one was refused, without the token', async () => {
    const name = await receiver({});
    await push(name, { key: 'wrong' });
    const { status } = await callOf(name, 'Refused');
    expect(status?.lastCall?.reason).toContain('the signature does not fit');
    expect(JSON.stringify(status)).not.toContain(token);
  });

  test('is written once in ten seconds, then as the last of them was', async () => {
    const name = await receiver({});
    const clock = new FakeClock();
    let writes = 0;
    const client: KubeClient = Object.create(world.client, {
      patch: {
        value: (...args: Parameters<KubeClient['patch']>) => {
          writes++;
          return world.client.patch(...args);
        },
      },
    });
    const controllerName = 'notification-controller';
    const calls = new CallLog({ client, controllerName, clock, logger: silentLogger });
    const object = await world.client.get<Receiver>(receivers, keyOf(name));
    const last = (result: NonNullable<ReceiverStatus['lastCall']>['result'], reason?: string) =>
      calls.note(object, { result, reason });
    last('Refused', 'a');
    for (let i = 0; i < 1000; i++) last('Refused', `b${i}`);
    last('Succeeded');
    expect(writes).toBe(1);
    const { status } = await callOf(name, 'Refused');
    expect(status?.lastCall?.reason).toBe('a');
    await clock.advance(10_000);
    expect(writes).toBe(2);
    expect((await callOf(name, 'Succeeded')).status?.lastCall?.reason).toBeUndefined();
    await clock.advance(60_000);
    expect(writes).toBe(2);
    expect(clock.pending).toBe(0);

    last('Refused', 'c');
    last('Refused', 'd');
    await calls.close();
    expect(writes).toBe(4);
    expect(clock.pending).toBe(0);
    const closed = await world.client.get<Receiver>(receivers, keyOf(name));
    expect(closed.status?.lastCall?.reason).toBe('d');
    last('Refused', 'e');
    expect(writes).toBe(4);
  });
});
