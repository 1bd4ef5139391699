import { type Alert, alertKind } from '@sluice/shared/api';
import { resourceOf } from '@sluice/shared/kube';
import {
  type Alertmanager,
  type Controllers,
  receiveWebhooks,
  startAlertmanager,
  type WebhookReceiver,
} from '@sluice/testing';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { eventOf } from '../objects.ts';
import { about, startWorld, uniqueEvent, type World } from '../world.ts';

let world: World;
let service: WebhookReceiver;

beforeEach(async () => {
  service = await receiveWebhooks();
});

afterEach(async () => {
  await world.end();
  await service.close();
});

const failure = { severity: 'error', reason: 'BuildFailed' } as const;
const named = (name: string) => ({
  involvedObject: { ...eventOf().involvedObject, name, uid: `uid-${name}` },
});
/** Longer than any test, so that only a change of the alert ends it. */
const held = { groupBy: { window: '1h' } };
const due = { groupBy: { window: '1s' } };
const patience = { timeout: 60_000, interval: 100 };

function slackAlert(alert: Partial<Alert['spec']>): Promise<string> {
  return world.alert({
    provider: { type: 'slack', address: service.url },
    alert: { eventSeverity: 'error', ...alert },
  });
}

async function change(name: string, spec: object): Promise<void> {
  const key = { namespace: world.namespace, name };
  await world.client.patch(resourceOf(alertKind), key, { spec }, { type: 'merge' });
}

/** Resolves when the processes have put so many deliveries into groups. */
async function grouped(count: number, processes: Controllers[] = [world.controllers]) {
  await vi.waitUntil(async () => {
    const logs = await Promise.all(
      processes.map((each) => each.processes['notification-controller'].log()),
    );
    return logs.flat().filter((line) => line['why'] === 'grouped').length >= count;
  }, patience);
}

const texts = () =>
  service.requests.map(({ body }) => JSON.parse(body).attachments[0].text as string);

describe('with NATS', () => {
  test('forty failures, taken by two processes, are one message', async () => {
    world = await startWorld();
    const replica = await world.replica();
    const name = await slackAlert(held);
    for (let i = 0; i < 40; i++) {
      const { involvedObject } = named(`app-${i}`);
      const event = uniqueEvent(world.namespace, { ...failure, involvedObject });
      await world.post(event);
    }
    await grouped(40, [world.controllers, replica]);
    await change(name, due);
    const { body } = await service.waitFor(about('40 failures'), { timeoutMs: 60_000 });
    for (let i = 0; i < 40; i++)
      expect(body).toContain(`Kustomization/${world.namespace}/app-${i}:`);
    await change(name, { groupBy: null });
    const last = await world.publish(failure);
    await service.waitFor(about(last.message));
    expect(service.requests).toHaveLength(2);
  });

  test('a group is sent by another process when that which began it is killed', async () => {
    world = await startWorld();
    const name = await slackAlert(held);
    await world.publish({ ...failure, ...named('a') });
    await world.publish({ ...failure, ...named('b') });
    await grouped(2);
    await world.replica();
    await world.controllers.processes['notification-controller'].kill();
    await change(name, due);
    await service.waitFor(about('2 failures'), { timeoutMs: 60_000 });
    expect(texts()).toHaveLength(1);
  });

  test('a group is sent by the process that follows', async () => {
    world = await startWorld();
    const name = await slackAlert(held);
    await world.publish({ ...failure, ...named('a') });
    await grouped(1);
    const controller = world.controllers.processes['notification-controller'];
    await controller.kill();
    await world.publish({ ...failure, ...named('b') });
    await controller.start();
    await grouped(2);
    await change(name, due);
    await service.waitFor(about('2 failures'), { timeoutMs: 60_000 });
    expect(texts()).toHaveLength(1);
  });

  test('a threshold is counted across a kill', async () => {
    world = await startWorld();
    await slackAlert({ threshold: { count: 3, within: '1h' } });
    await world.publish(failure);
    await world.publish(failure);
    const controller = world.controllers.processes['notification-controller'];
    await vi.waitUntil(
      async () =>
        (await controller.log()).filter((line) => line['why'] === 'threshold').length === 2,
      patience,
    );
    await controller.kill();
    await controller.start();
    const third = await world.publish(failure);
    await service.waitFor(about(third.message));
    expect(texts()).toEqual([third.message]);
  });

  test('a failure that goes on is repeated by the interval of its alert', async () => {
    world = await startWorld();
    await slackAlert({ repeatInterval: '1h' });
    const first = await world.publish(failure);
    await service.waitFor(about(first.message));
    const other = await world.publish(failure);
    const controller = world.controllers.processes['notification-controller'];
    await vi.waitUntil(
      async () => (await controller.log()).some((line) => line['why'] === 'repeated'),
      patience,
    );
    await world.publish({ reason: 'ReconciliationSucceeded' });
    await service.waitFor(about('Recovered from BuildFailed'));
    // The same words within the rate limit, and another failure all the same.
    await world.publish({ ...failure, message: first.message });
    await vi.waitUntil(() => service.requests.length === 3, patience);
    expect(texts().map((text) => text.includes(first.message))).toEqual([true, false, true]);
    expect(texts().join()).not.toContain(other.message);
  });

  test('quiet hours hold failures until their end', async () => {
    world = await startWorld();
    const always = [{ timeZone: 'Europe/Berlin', from: '00:00', to: '00:00' }];
    const name = await slackAlert({ quietHours: always, eventSeverity: 'info' });
    await world.publish({ ...failure, ...named('a') });
    await world.publish({ reason: 'Progressing' });
    await world.publish({ ...failure, ...named('b') });
    await grouped(2);
    expect(service.requests).toEqual([]);
    await change(name, { quietHours: null });
    await service.waitFor(about('2 failures'), { timeoutMs: 60_000 });
    expect(texts()).toHaveLength(1);
  });

  test('Prometheus Alertmanager gets the alerts of a group, and their end', async () => {
    world = await startWorld();
    const alertmanager = await startAlertmanager();
    try {
      const name = await world.alert({
        provider: { type: 'alertmanager', address: `${alertmanager.url}/api/v2/alerts/` },
        alert: { eventSeverity: 'error', ...held },
      });
      for (const object of ['a', 'b', 'c']) await world.publish({ ...failure, ...named(object) });
      await grouped(3);
      expect(await namesIn(alertmanager)).toEqual([]);
      await change(name, due);
      await vi.waitUntil(async () => (await namesIn(alertmanager)).join() === 'a,b,c', patience);
      const timestamp = new Date().toISOString();
      for (const object of ['a', 'c']) {
        await world.publish({ reason: 'ReconciliationSucceeded', timestamp, ...named(object) });
      }
      await vi.waitUntil(async () => (await namesIn(alertmanager)).join() === 'b', patience);
    } finally {
      await alertmanager.stop();
    }
  });
});

async function namesIn(alertmanager: Alertmanager): Promise<string[]> {
  const alerts = await alertmanager.alerts();
  return alerts.map(({ labels }) => labels['name'] ?? '').sort();
}

test('without NATS a group is sent by the process that follows', async () => {
  world = await startWorld({ nats: false });
  const name = await slackAlert(held);
  for (const object of ['a', 'b']) {
    const { involvedObject } = named(object);
    await world.post(uniqueEvent(world.namespace, { ...failure, involvedObject }));
  }
  await grouped(2);
  const controller = world.controllers.processes['notification-controller'];
  await controller.kill();
  await change(name, due);
  await controller.start();
  await service.waitFor(about('2 failures'), { timeoutMs: 60_000 });
  expect(texts()).toHaveLength(1);
});
