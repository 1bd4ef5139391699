import { randomBytes } from 'node:crypto';
import type { FluxEvent } from '@sluice/shared/api';
import { eventSubject } from '@sluice/shared/bus';
import { coreResources } from '@sluice/shared/kube';
import { receiveWebhooks, testNamespace, type WebhookReceiver } from '@sluice/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startWorld, uniqueEvent, type World } from '../world.ts';

let world: World;
let other: string;
let ours: WebhookReceiver;
let theirs: WebhookReceiver;

beforeAll(async () => {
  world = await startWorld({ args: ['--no-cross-namespace-refs'] });
  other = await testNamespace(world.client, 'other');
  [ours, theirs] = await Promise.all([receiveWebhooks(), receiveWebhooks()]);
});

afterAll(async () => {
  await world?.end();
  await Promise.all([ours?.close(), theirs?.close()]);
});

beforeEach(() => {
  ours.requests.length = 0;
  theirs.requests.length = 0;
});

async function publish(namespace: string, change: Partial<FluxEvent> = {}): Promise<FluxEvent> {
  await world.bus.ready();
  const event = uniqueEvent(namespace, change);
  const id = randomBytes(8).toString('hex');
  await world.bus.publish({ subject: eventSubject(world.bus.prefix, event), data: event, id });
  return event;
}

const about = (event: FluxEvent) => (request: { body: string }) =>
  request.body.includes(event.message);

describe('of two tenants', () => {
  test('each is told of its own events and of nothing of the other, whatever its Alert names', async () => {
    const sources = (namespace: string) => [
      { kind: 'Kustomization' as const, name: '*' },
      { kind: 'Kustomization' as const, name: '*', namespace },
      { kind: 'Kustomization' as const, name: 'web', namespace },
    ];
    const alerts = [
      { provider: { address: ours.url }, alert: { eventSources: sources(other) } },
      {
        provider: { address: theirs.url },
        alert: { eventSources: sources(world.namespace) },
        namespace: other,
      },
    ];
    for (const each of alerts) await world.alert(each);
    const sent: { namespace: string; event: FluxEvent }[] = [];
    for (const namespace of [other, world.namespace, other, world.namespace]) {
      for (const severity of ['info', 'error'] as const) {
        sent.push({ namespace, event: await publish(namespace, { severity }) });
      }
    }
    for (const { namespace, event } of sent) {
      await (namespace === other ? theirs : ours).waitFor(about(event));
    }
    // What is dispatched comes in order: had something else been, it would be here by now.
    await ours.waitFor(about(await publish(world.namespace)));
    await theirs.waitFor(about(await publish(other)));
    const told = (service: WebhookReceiver) =>
      new Set(service.requests.map(({ body }) => JSON.parse(body).involvedObject.namespace));
    expect(told(ours)).toEqual(new Set([world.namespace]));
    expect(told(theirs)).toEqual(new Set([other]));
    const named = (service: WebhookReceiver) => JSON.stringify(service.requests);
    expect(named(ours)).not.toContain(other);
    expect(named(theirs)).not.toContain(world.namespace);
  });

  test('none reaches the Provider of the other', async () => {
    const address = `${theirs.url}/of-the-other`;
    const provider = await world.alert({ provider: { address }, namespace: other });
    const name = await world.alert({
      provider: { address: ours.url },
      alert: { providerRef: { name: provider } },
    });
    await publish(world.namespace);
    const { message } = await world.failureOf(name);
    expect(message).toContain(`names the Provider '${world.namespace}/${provider}'`);
    expect(theirs.requests.filter(({ path }) => path === '/of-the-other')).toEqual([]);
  });
});

test('a rotated Secret is used with the next delivery', async () => {
  const name = await world.alert({
    provider: {},
    secret: { address: `${ours.url}/before`, headers: 'Authorization: Bearer canary-1' },
  });
  // Alerts of other tests tell of it, too.
  const told = async (service: WebhookReceiver, at: string) => {
    const event = await world.publish();
    return service.waitFor(({ path, body }) => path === at && body.includes(event.message));
  };
  const first = await told(ours, '/before');
  expect(first.headers['authorization']).toBe('Bearer canary-1');
  const stringData = {
    address: `${theirs.url}/after`,
    headers: 'Authorization: Bearer canary-2',
  };
  const key = { namespace: world.namespace, name };
  await world.client.patch(coreResources.secrets, key, { stringData }, { type: 'merge' });
  const second = await told(theirs, '/after');
  expect(second.headers['authorization']).toBe('Bearer canary-2');
});
