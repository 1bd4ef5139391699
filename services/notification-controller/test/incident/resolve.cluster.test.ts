import {
  type Alertmanager,
  receiveWebhooks,
  startAlertmanager,
  type WebhookReceiver,
} from '@sluice/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { startWorld, uniqueEvent, type World } from '../world.ts';

let world: World;
let service: WebhookReceiver;

beforeAll(async () => {
  world = await startWorld();
});

afterAll(() => world.end());

beforeEach(async () => {
  service = await receiveWebhooks();
});

afterEach(async () => {
  await world.clear();
  await service.close();
});

const about = (message: string) => (request: { body: string }) => request.body.includes(message);
const commitStatus = { 'kustomize.toolkit.fluxcd.io/commit_status': 'update' };
const failure = { severity: 'error', reason: 'BuildFailed' } as const;
/** What kustomize-controller says at the end of each reconcile. */
const success = { reason: 'ReconciliationSucceeded', metadata: commitStatus };
const slack = { type: 'slack', channel: 'ops' } as const;

async function slackAlert(): Promise<void> {
  await world.alert({
    provider: { ...slack, address: service.url },
    alert: { eventSeverity: 'error' },
  });
}

describe('an alert for errors', () => {
  test('tells a chat once that what it told of is over', async () => {
    await slackAlert();
    const failed = await world.publish(failure);
    await service.waitFor(about(failed.message));
    const good = await world.publish(success);
    const { body } = await service.waitFor(about(good.message));
    expect(JSON.parse(body).attachments).toMatchObject([
      { color: 'good', text: `Recovered from BuildFailed: ${good.message}`, fields: [] },
    ]);
    await world.publish(success);
    const last = await world.publish(failure);
    await service.waitFor(about(last.message));
    expect(service.requests).toHaveLength(3);
  });

  test('tells nothing of objects that never failed', async () => {
    await slackAlert();
    await world.publish(success);
    await world.publish({ reason: 'Progressing' });
    const failed = await world.publish(failure);
    await service.waitFor(about(failed.message));
    await world.publish({ reason: 'Progressing' });
    const other = await world.publish({ ...failure, reason: 'HealthCheckFailed' });
    await service.waitFor(about(other.message));
    expect(service.requests).toHaveLength(2);
  });

  test('tells a recovery after the failure, which is tried again meanwhile', async () => {
    await slackAlert();
    service.respond(500);
    const failed = await world.publish(failure);
    await service.waitFor(about(failed.message));
    const good = await world.publish(success);
    const taken: string[] = [];
    service.respond(({ body }) => {
      taken.push(body);
      return { status: 200 };
    });
    await service.waitFor(about('Recovered'));
    expect(taken.map((body) => about(good.message)({ body }))).toEqual([false, true]);
    expect(taken[0]).toContain(failed.message);
  });

  test('tells a service that does not keep incidents failures only', async () => {
    await world.alert({
      provider: { address: service.url },
      alert: { eventSeverity: 'error' },
    });
    const failed = await world.publish(failure);
    await service.waitFor(about(failed.message));
    await world.publish(success);
    const last = await world.publish(failure);
    await service.waitFor(about(last.message));
    expect(service.requests).toHaveLength(2);
  });

  test('resolves an incident of PagerDuty by the key that opened it', async () => {
    await world.alert({
      provider: { type: 'pagerduty', channel: 'routing', address: service.url },
      alert: { eventSeverity: 'error' },
    });
    service.respond(202);
    await world.publish(failure);
    const opened = await service.waitFor(about('"trigger"'));
    await world.publish(success);
    const resolved = await service.waitFor(about('"resolve"'));
    const keyOf = ({ body }: { body: string }) => JSON.parse(body).dedup_key as string;
    expect(keyOf(resolved)).toBe(keyOf(opened));
  });
});

describe('an alert for everything', () => {
  test('delivers a success that was delivered lately when it ends a failure', async () => {
    await world.alert({ provider: { ...slack, address: service.url } });
    const good = uniqueEvent(world.namespace, { reason: 'ReconciliationSucceeded' });
    await world.post(good);
    await service.waitFor(about(good.message));
    const failed = await world.publish(failure);
    await service.waitFor(about(failed.message));
    expect(await world.post({ ...good, timestamp: new Date().toISOString() })).toBe(202);
    await vi.waitUntil(() => service.requests.filter(about(good.message)).length === 2, {
      timeout: 20_000,
    });
    const last = await world.publish(failure);
    await service.waitFor(about(last.message));
    expect(service.requests.filter(about(good.message))).toHaveLength(2);
  });
});

describe('Prometheus Alertmanager', () => {
  let alertmanager: Alertmanager;

  beforeAll(async () => {
    alertmanager = await startAlertmanager();
  });

  afterAll(() => alertmanager.stop());

  const reasons = async () =>
    (await alertmanager.alerts())
      .filter(({ labels }) => labels['namespace'] === world.namespace)
      .map(({ labels }) => labels['reason']);

  test('has the alerts of all failures of an object resolved, also after a kill', async () => {
    await world.alert({
      provider: { type: 'alertmanager', address: `${alertmanager.url}/api/v2/alerts/` },
      alert: { eventSeverity: 'error', eventMetadata: { env: 'prod' } },
    });
    const revision = (name: string) => ({ 'kustomize.toolkit.fluxcd.io/revision': name });
    await world.publish({ ...failure, metadata: revision('r1') });
    const health = await world.publish({
      ...failure,
      reason: 'HealthCheckFailed',
      metadata: revision('r2'),
    });
    await alertmanager.waitForAlert((a) => a.annotations['message'] === health.message);
    await vi.waitUntil(async () => (await reasons()).length === 2, { timeout: 20_000 });
    const controller = world.controllers.processes['notification-controller'];
    await controller.kill();
    await world.publish({ ...success, timestamp: new Date().toISOString() });
    await controller.start();
    await vi.waitUntil(async () => (await reasons()).length === 0, { timeout: 60_000 });
  });
});

test('without NATS a recovery is told after a kill, too', async () => {
  const alone = await startWorld({ nats: false });
  try {
    await alone.alert({
      provider: { ...slack, address: service.url },
      alert: { eventSeverity: 'error' },
    });
    const failed = uniqueEvent(alone.namespace, failure);
    await alone.post(failed);
    await service.waitFor(about(failed.message));
    const controller = alone.controllers.processes['notification-controller'];
    await controller.kill();
    await controller.start();
    const good = uniqueEvent(alone.namespace, success);
    await alone.post(good);
    await service.waitFor(about(`Recovered from BuildFailed: ${good.message}`));
  } finally {
    await alone.end();
  }
});
