import type { KubeObject } from '@sluice/shared/api';
import { finishJob } from '@sluice/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  type Bed,
  conditionOf,
  configMap,
  configMaps,
  deployment,
  deployments,
  startBed,
} from './harness.ts';

let bed: Bed;
beforeAll(async () => {
  bed = await startBed(['--concurrent=1']);
});
afterAll(() => bed.stop());

const nowhere = {
  template: {
    metadata: { labels: { app: 'web' } },
    spec: { nodeSelector: { no: 'where' }, containers: [{ name: 'main', image: 'example/web:1' }] },
  },
};
const stuck = deployment('web', 1, nowhere);

test('wait: ready once all objects are healthy', async () => {
  await bed.publish({ 'web.yaml': deployment('healthy', 2) }, 'r1', 'healthy');
  await bed.apply(
    { wait: true, sourceRef: { kind: 'ExternalArtifact', name: 'healthy' } },
    'healthy',
  );
  const object = await bed.ready('r1', 'healthy');
  const live = await bed.client.get<KubeObject & { status: { readyReplicas: number } }>(
    deployments,
    { namespace: bed.namespace, name: 'healthy' },
  );
  expect(live.status.readyReplicas).toBe(2);
  expect(conditionOf(object, 'Healthy')).toMatchObject({ status: 'True', reason: 'Succeeded' });
  expect(bed.events.map((event) => event.message)).toContainEqual(
    expect.stringMatching(/^Health check passed in /),
  );
});

test('waiting holds no slot, a new revision supersedes the wait, and a timeout names the objects', async () => {
  await bed.publish({ 'web.yaml': stuck }, 'stuck', 'slow');
  const sourceRef = { kind: 'ExternalArtifact' as const, name: 'slow' };
  await bed.apply(
    { wait: true, timeout: '5m', sourceRef, driftDetection: { mode: 'disabled' } },
    'slow',
  );
  await bed.when((o) => conditionOf(o, 'Healthy')?.status === 'Unknown', 'slow');

  // The only slot is free for others while 'slow' waits.
  await bed.publish({ 'a.yaml': configMap('a') }, 'q1', 'quick');
  await bed.apply({ sourceRef: { kind: 'ExternalArtifact', name: 'quick' } }, 'quick');
  await bed.ready('q1', 'quick');

  await bed.publish({ 'web.yaml': deployment('web', 0) }, 'fixed', 'slow');
  await bed.ready('fixed', 'slow');

  await bed.publish({ 'web.yaml': stuck }, 'stuck-again', 'slow');
  await bed.patch({ timeout: '1s' }, 'slow');
  const failed = await bed.failed('HealthCheckFailed', 'slow');
  expect(conditionOf(failed)?.message).toMatch(
    new RegExp(
      `^health check failed after 1(\\.\\d+)?s: timeout waiting for: \\[Deployment/${bed.namespace}/web status: 'InProgress'\\]`,
    ),
  );
  expect(conditionOf(failed, 'Healthy')?.status).toBe('False');
  const { metadata } = bed.events.find(({ reason }) => reason === 'HealthCheckFailed') ?? {};
  expect(metadata).toMatchObject({
    'facts.sluice.dev/firstFailure': expect.stringMatching(
      `^Deployment/${bed.namespace}/web status: 'InProgress'`,
    ),
    'facts.sluice.dev/changes': expect.stringContaining(
      `Deployment/${bed.namespace}/web: spec.replicas`,
    ),
  });
  expect(failed.status?.lastAppliedRevision).toBe('fixed');
  expect(failed.status?.history?.[0]).toMatchObject({ lastReconciledStatus: 'HealthCheckFailed' });

  // It recovers by itself, long before the next interval, once the object becomes healthy.
  await bed.client.patch(
    deployments,
    { namespace: bed.namespace, name: 'web' },
    { spec: { replicas: 0 } },
    { type: 'merge', fieldManager: 'someone' },
  );
  const recovered = await bed.ready('stuck-again', 'slow');
  expect(conditionOf(recovered, 'Healthy')?.status).toBe('True');
});

test('healthChecks wait for the named objects only, also for ones of others', async () => {
  const sourceRef = { kind: 'ExternalArtifact' as const, name: 'checks' };
  await bed.publish({ 'a.yaml': configMap('mine') }, 'r1', 'checks');
  await bed.apply(
    {
      sourceRef,
      timeout: '1m',
      healthChecks: [
        { apiVersion: 'v1', kind: 'ConfigMap', name: 'theirs', namespace: bed.namespace },
      ],
    },
    'checks',
  );
  await bed.when((o) => conditionOf(o, 'Healthy')?.status === 'Unknown', 'checks');
  await bed.client.create(
    { group: '', version: 'v1', kind: 'ConfigMap', plural: 'configmaps', namespaced: true },
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'theirs', namespace: bed.namespace } },
  );
  await bed.ready('r1', 'checks');
});

test('healthCheckExprs decide on the health of their kind', async () => {
  const sourceRef = { kind: 'ExternalArtifact' as const, name: 'cel' };
  await bed.publish({ 'a.yaml': configMap('cel', { ready: 'no' }) }, 'r1', 'cel');
  await bed.apply(
    {
      sourceRef,
      wait: true,
      healthCheckExprs: [
        {
          apiVersion: 'v1',
          kind: 'ConfigMap',
          failed: "data.ready == 'failed'",
          current: "data.ready == 'yes'",
        },
      ],
    },
    'cel',
  );
  await bed.when((o) => conditionOf(o, 'Healthy')?.status === 'Unknown', 'cel');
  await bed.publish({ 'a.yaml': configMap('cel', { ready: 'failed' }) }, 'r2', 'cel');
  const failed = await bed.failed('HealthCheckFailed', 'cel');
  expect(conditionOf(failed)?.message).toContain('failed early due to stalled resources');
  await bed.publish({ 'a.yaml': configMap('cel', { ready: 'yes' }) }, 'r3', 'cel');
  await bed.ready('r3', 'cel');

  await bed.patch({ healthCheckExprs: [{ apiVersion: 'v1', current: 'data.ready ==' }] }, 'cel');
  const stalled = await bed.failed('InvalidCELExpression', 'cel');
  expect(conditionOf(stalled)?.message).toContain('spec.healthCheckExprs[0].current');
  expect(conditionOf(stalled, 'Stalled')?.status).toBe('True');
});

test('a health check without apiVersion is of a workload, and named while it is waited for', async () => {
  const { namespace } = bed;
  const reference = { kind: 'Deployment', name: 'later', namespace };
  const sourceRef = { kind: 'ExternalArtifact' as const, name: 'unversioned' };
  await bed.publish({ 'a.yaml': configMap('unversioned') }, 'u1', 'unversioned');
  await bed.apply({ sourceRef, timeout: '5m', healthChecks: [reference] }, 'unversioned');
  const waiting = await bed.when(
    (o) => conditionOf(o, 'Healthy')?.status === 'Unknown',
    'unversioned',
  );
  expect(conditionOf(waiting, 'Reconciling')?.message).toContain(
    `waiting for: [Deployment/${namespace}/later status: 'NotFound']`,
  );
  const later = JSON.parse(deployment('later')) as KubeObject;
  Object.assign(later.metadata, { namespace });
  await bed.client.create(deployments, later);
  await bed.ready('u1', 'unversioned');
});

/** A Job whose Pod never ends by itself. */
function job(name: string): string {
  const metadata = { annotations: { 'test.sluice.dev/behaviour': 'pending' } };
  const containers = [{ name: 'main', image: 'example/job:1' }];
  return JSON.stringify({
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name },
    spec: { template: { metadata, spec: { restartPolicy: 'Never', containers } } },
  });
}

test('a Job is waited for until it has completed; of one that has failed the condition is told', async () => {
  const { client, namespace } = bed;
  const sourceRef = { kind: 'ExternalArtifact' as const, name: 'jobs' };
  await bed.publish({ 'job.yaml': job('migrate') }, 'j1', 'jobs');
  await bed.apply({ sourceRef, wait: true, timeout: '5m' }, 'jobs');
  const isRunning = (message = '') =>
    message.includes(`[Job/${namespace}/migrate status: 'InProgress']: Job in progress.`);
  await bed.when((o) => isRunning(conditionOf(o, 'Healthy')?.message), 'jobs');
  await finishJob(client, { namespace, name: 'migrate' });
  await bed.ready('j1', 'jobs');

  await bed.publish({ 'job.yaml': job('broken') }, 'j2', 'jobs');
  await finishJob(client, { namespace, name: 'broken' }, 'Failed');
  const failed = await bed.failed('HealthCheckFailed', 'jobs');
  const [first, condition] = conditionOf(failed)?.message.split('\n') ?? [];
  expect(first).toContain(
    `failed early due to stalled resources: [Job/${namespace}/broken status: 'Failed']: Job Failed. failed: 1/1`,
  );
  expect(condition).toMatch(
    new RegExp(`^Job/${namespace}/broken: Failed is True since \\d{4}-\\d\\d-\\d\\dT`),
  );
});

test('with wait, healthChecks is not used', async () => {
  const sourceRef = { kind: 'ExternalArtifact' as const, name: 'both' };
  await bed.publish({ 'a.yaml': configMap('both') }, 'b1', 'both');
  const nowhereToBeFound = { apiVersion: 'v1', kind: 'ConfigMap', name: 'nowhere' };
  await bed.apply(
    { sourceRef, wait: true, timeout: '5m', healthChecks: [nowhereToBeFound] },
    'both',
  );
  await bed.ready('b1', 'both');
});

test('what has been waited for comes before what has not begun', async () => {
  const { client, namespace } = bed;
  const of = (name: string) => ({ sourceRef: { kind: 'ExternalArtifact' as const, name } });
  await bed.publish({ 'job.yaml': job('begun') }, 'r1', 'begun');
  await bed.apply({ ...of('begun'), wait: true, timeout: '5m' }, 'begun');
  await bed.when((o) => conditionOf(o, 'Healthy')?.status === 'Unknown', 'begun');

  const others = Array.from({ length: 30 }, (_, at) => `later-${at}`);
  for (const name of others) await bed.publish({ 'a.yaml': configMap(name) }, 'r1', name);
  await Promise.all(others.map((name) => bed.apply(of(name), name)));
  await finishJob(client, { namespace, name: 'begun' });

  const begun = await bed.ready('r1', 'begun');
  await Promise.all(others.map((name) => bed.ready('r1', name)));
  const versions = others.map(async (name) => {
    const found = await client.get(configMaps, { namespace, name });
    return Number(found.metadata.resourceVersion);
  });
  const before = Number(begun.metadata.resourceVersion);
  const later = (await Promise.all(versions)).filter((version) => version > before);
  expect(later.length).toBeGreaterThan(others.length / 2);
});
