import { randomBytes } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import {
  type Alert,
  apiVersionOf,
  helmReleaseKind,
  type KindDefinition,
  type KubeObject,
  kustomizationKind,
} from '@sluice/shared/api';
import { resourceOf } from '@sluice/shared/kube';
import { statusPatch } from '@sluice/shared/runtime';
import { type Alertmanager, startAlertmanager } from '@sluice/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { useWorld } from '../use-world.ts';
import { about, startWorld, uniqueEvent, type World } from '../world.ts';

const bed = useWorld({ checksIncidents: true });

const kustomization = {
  kind: kustomizationKind as KindDefinition,
  spec: {
    interval: '1h',
    prune: true,
    path: './',
    sourceRef: { kind: 'GitRepository', name: 'none' },
  },
};
const helmRelease = {
  kind: helmReleaseKind as KindDefinition,
  spec: { interval: '1h', chartRef: { kind: 'OCIRepository', name: 'none' } },
};
const eventSources: Alert['spec']['eventSources'] = [
  { kind: 'Kustomization', name: '*' },
  { kind: 'HelmRelease', name: '*' },
];

/** An object that nobody reconciles, and what can become of it. */
async function failing(world: World, { kind, spec }: typeof kustomization | typeof helmRelease) {
  const { client, namespace } = world;
  const resource = resourceOf(kind);
  const key = { namespace, name: `o${randomBytes(4).toString('hex')}` };
  const created = await client.create(resource, {
    apiVersion: apiVersionOf(kind),
    kind: kind.kind,
    metadata: key,
    spec,
  } as KubeObject);
  const { uid, generation } = created.metadata;
  const condition = (type: string, status: string, message: string) => ({
    type,
    status,
    message,
    reason: 'Test',
    lastTransitionTime: `${new Date().toISOString().slice(0, 19)}Z`,
  });
  const write = (...conditions: object[]) => {
    const status = { observedGeneration: generation, conditions };
    return client.patch(resource, key, { status }, statusPatch('test'));
  };
  await write(condition('Ready', 'False', 'broken'));
  const involvedObject = { apiVersion: apiVersionOf(kind), kind: kind.kind, ...key, uid };
  return {
    fail: (reason = 'UpgradeFailed') =>
      uniqueEvent(namespace, {
        involvedObject,
        severity: 'error',
        reason,
        timestamp: new Date().toISOString(),
      }),
    becomesReady: (message: string, tests = 'True') =>
      write(condition('Ready', 'True', message), condition('TestSuccess', tests, '')),
    delete: () => client.delete(resource, key),
    ...key,
  };
}

describe('Prometheus Alertmanager', () => {
  let alertmanager: Alertmanager;

  beforeAll(async () => {
    alertmanager = await startAlertmanager();
  });

  afterAll(() => alertmanager.stop());

  const reasonsOf = async ({ name }: { name: string }) =>
    (await alertmanager.alerts())
      .filter(({ labels }) => labels['name'] === name)
      .map(({ labels }) => labels['reason'])
      .sort();
  const untilReasons = (object: { name: string }, ...reasons: string[]) =>
    vi.waitUntil(async () => isDeepStrictEqual(await reasonsOf(object), reasons), {
      timeout: 30_000,
    });

  beforeEach(async () => {
    await bed.world.alert({
      provider: { type: 'alertmanager', address: `${alertmanager.url}/api/v2/alerts/` },
      alert: { eventSeverity: 'error', eventSources },
    });
  });

  test('has the alert about a HelmRelease resolved that becomes Ready without an action', async () => {
    const release = await failing(bed.world, helmRelease);
    await bed.world.publish(release.fail());
    await untilReasons(release, 'UpgradeFailed');
    await release.becomesReady('drift is gone');
    await untilReasons(release);
  });

  test('has the alerts about an object resolved that is deleted, and of no other', async () => {
    const [first, second] = await Promise.all([
      failing(bed.world, kustomization),
      failing(bed.world, kustomization),
    ]);
    for (const object of [first, second]) {
      await bed.world.publish(object.fail('BuildFailed'));
      await bed.world.publish(object.fail('HealthCheckFailed'));
      await untilReasons(object, 'BuildFailed', 'HealthCheckFailed');
    }
    await first.delete();
    await untilReasons(first);
    expect(await reasonsOf(second)).toEqual(['BuildFailed', 'HealthCheckFailed']);
  });

  test('keeps the alert about tests that still fail', async () => {
    const release = await failing(bed.world, helmRelease);
    await bed.world.publish(release.fail());
    await bed.world.publish(release.fail('TestFailed'));
    await untilReasons(release, 'TestFailed', 'UpgradeFailed');
    await release.becomesReady('tests do not count', 'False');
    await untilReasons(release, 'TestFailed');
    await release.becomesReady('tests succeed', 'True');
    await untilReasons(release);
  });
});

test('a chat hears once that an object is well again, and services for events nothing', async () => {
  const chat = { type: 'slack', channel: 'ops', address: `${bed.service.url}/chat` } as const;
  await bed.world.alert({ provider: chat, alert: { eventSources } });
  await bed.world.alert({
    provider: { address: `${bed.service.url}/events` },
    alert: { eventSources },
  });
  const release = await failing(bed.world, helmRelease);
  const failed = await bed.world.publish(release.fail());
  for (const path of ['/chat', '/events']) {
    await bed.service.waitFor((r) => r.path === path && about(failed.message)(r));
  }
  await release.becomesReady('upgrade succeeded long ago');
  const { body } = await bed.service.waitFor(about('upgrade succeeded long ago'));
  expect(JSON.parse(body).attachments).toMatchObject([
    { color: 'good', text: 'Recovered from UpgradeFailed: upgrade succeeded long ago' },
  ]);
  const last = await bed.world.publish(release.fail());
  for (const path of ['/chat', '/events']) {
    await bed.service.waitFor((r) => r.path === path && about(last.message)(r));
  }
  expect(bed.service.requests.map(({ path }) => path).sort()).toEqual([
    ...['/chat', '/chat', '/chat'],
    ...['/events', '/events'],
  ]);
});

test('without NATS, too, a failure ends with its object', async () => {
  const alone = await startWorld({ nats: false, checksIncidents: true });
  try {
    await alone.alert({
      provider: { type: 'slack', channel: 'ops', address: bed.service.url },
      alert: { eventSeverity: 'error' },
    });
    const object = await failing(alone, kustomization);
    const failed = object.fail('BuildFailed');
    await alone.post(failed);
    await bed.service.waitFor(about(failed.message));
    await object.delete();
    await bed.service.waitFor(about('The object was deleted, which ends BuildFailed'));
  } finally {
    await alone.end();
  }
});
