import { type Alertmanager, startAlertmanager } from '@sluice/testing';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { useWorld } from '../use-world.ts';
import { about, startWorld, uniqueEvent } from '../world.ts';

const bed = useWorld();

const commitStatus = { 'kustomize.toolkit.fluxcd.io/commit_status': 'update' };
const failure = { severity: 'error', reason: 'BuildFailed' } as const;
/** What kustomize-controller says at the end of each reconcile. */
const success = { reason: 'ReconciliationSucceeded', metadata: commitStatus };
const slack = { type: 'slack', channel: 'ops' } as const;

async function slackAlert(): Promise<void> {
  await bed.world.alert({
    provider: { ...slack, address: bed.service.url },
    alert: { eventSeverity: 'error' },
  });
}

describe('an alert for errors', () => {
  test('tells a chat once that what it told of is over', async () => {
    await slackAlert();
    const failed = await bed.world.publish(failure);
    await bed.service.waitFor(about(failed.message));
    const good = await bed.world.publish(success);
    const { body } = await bed.service.waitFor(about(good.message));
    expect(JSON.parse(body).attachments).toMatchObject([
      { color: 'good', text: `Recovered from BuildFailed: ${good.message}`, fields: [] },
    ]);
    await bed.world.publish(success);
    const last = await bed.world.publish(failure);
    await bed.service.waitFor(about(last.message));
    expect(bed.service.requests).toHaveLength(3);
  });

  test('tells nothing of objects that never failed', async () => {
    await slackAlert();
    await bed.world.publish(success);
    await bed.world.publish({ reason: 'Progressing' });
    const failed = await bed.world.publish(failure);
    await bed.service.waitFor(about(failed.message));
    await bed.world.publish({ reason: 'Progressing' });
    const other = await bed.world.publish({ ...failure, reason: 'HealthCheckFailed' });
    await bed.service.waitFor(about(other.message));
    expect(bed.service.requests).toHaveLength(2);
  });

  test('tells a recovery after the failure, which is tried again meanwhile', async () => {
    await slackAlert();
    bed.service.respond(500);
    const failed = await bed.world.publish(failure);
    await bed.service.waitFor(about(failed.message));
    const good = await bed.world.publish(success);
    const taken: string[] = [];
    bed.service.respond(({ body }) => {
      taken.push(body);
      return { status: 200 };
    });
    await bed.service.waitFor(about('Recovered'));
    expect(taken.map((body) => about(good.message)({ body }))).toEqual([false, true]);
    expect(taken[0]).toContain(failed.message);
  });

  test('tells a service that does not keep incidents failures only', async () => {
    await bed.world.alert({
      provider: { address: bed.service.url },
      alert: { eventSeverity: 'error' },
    });
    const failed = await bed.world.publish(failure);
    await bed.service.waitFor(about(failed.message));
    await bed.world.publish(success);
    const last = await bed.world.publish(failure);
    await bed.service.waitFor(about(last.message));
    expect(bed.service.requests).toHaveLength(2);
  });

  test('resolves an incident of PagerDuty by the key that opened it', async () => {
    await bed.world.alert({
      provider: { type: 'pagerduty', channel: 'routing', address: bed.service.url },
      alert: { eventSeverity: 'error' },
    });
    bed.service.respond(202);
    await bed.world.publish(failure);
    const opened = await bed.service.waitFor(about('"trigger"'));
    await bed.world.publish(success);
    const resolved = await bed.service.waitFor(about('"resolve"'));
    const keyOf = ({ body }: { body: string }) => JSON.parse(body).dedup_key as string;
    expect(keyOf(resolved)).toBe(keyOf(opened));
  });
});

describe('an alert for everything', () => {
  test('delivers a success that was delivered lately when it ends a failure', async () => {
    await bed.world.alert({ provider: { ...slack, address: bed.service.url } });
    const good = uniqueEvent(bed.world.namespace, { reason: 'ReconciliationSucceeded' });
    await bed.world.post(good);
    await bed.service.waitFor(about(good.message));
    const failed = await bed.world.publish(failure);
    await bed.service.waitFor(about(failed.message));
    expect(await bed.world.post({ ...good, timestamp: new Date().toISOString() })).toBe(202);
    await vi.waitUntil(() => bed.service.requests.filter(about(good.message)).length === 2, {
      timeout: 20_000,
    });
    const last = await bed.world.publish(failure);
    await bed.service.waitFor(about(last.message));
    expect(bed.service.requests.filter(about(good.message))).toHaveLength(2);
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
      .filter(({ labels }) => labels['namespace'] === bed.world.namespace)
      .map(({ labels }) => labels['reason']);

  test('has the alerts of all failures of an object resolved, also after a kill', async () => {
    await bed.world.alert({
      provider: { type: 'alertmanager', address: `${alertmanager.url}/api/v2/alerts/` },
      alert: { eventSeverity: 'error', eventMetadata: { env: 'prod' } },
    });
    const revision = (name: string) => ({ 'kustomize.toolkit.fluxcd.io/revision': name });
    await bed.world.publish({ ...failure, metadata: revision('r1') });
    const health = await bed.world.publish({
      ...failure,
      reason: 'HealthCheckFailed',
      metadata: revision('r2'),
    });
    await alertmanager.waitForAlert((a) => a.annotations['message'] === health.message);
    await vi.waitUntil(async () => (await reasons()).length === 2, { timeout: 20_000 });
    const controller = bed.world.controllers.processes['notification-controller'];
    await controller.kill();
    await bed.world.publish({ ...success, timestamp: new Date().toISOString() });
    await controller.start();
    await vi.waitUntil(async () => (await reasons()).length === 0, { timeout: 60_000 });
  });
});

test('without NATS a recovery is told after a kill, too', async () => {
  const alone = await startWorld({ nats: false });
  try {
    await alone.alert({
      provider: { ...slack, address: bed.service.url },
      alert: { eventSeverity: 'error' },
    });
    const failed = uniqueEvent(alone.namespace, failure);
    await alone.post(failed);
    await bed.service.waitFor(about(failed.message));
    const controller = alone.controllers.processes['notification-controller'];
    await controller.kill();
    await controller.start();
    const good = uniqueEvent(alone.namespace, success);
    await alone.post(good);
    await bed.service.waitFor(about(`Recovered from BuildFailed: ${good.message}`));
  } finally {
    await alone.end();
  }
});
