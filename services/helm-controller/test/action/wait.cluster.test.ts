import { helmReleaseNameLabel, type KubeObject } from '@sluice/shared/api';
import { Semaphore } from '@sluice/shared/base';
import { Cluster, createLiveObjects } from '@sluice/shared/engine';
import { gvkOf } from '@sluice/shared/kube';
import { until, untilGone } from '@sluice/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { InstallOptions } from '../../src/action/install.ts';
import { type Bed, installed, jobs, startBed } from './bed.ts';
import { configMap, type Doc, deployment, job, rendered } from './objects.ts';

let bed: Bed;

beforeAll(async () => {
  bed = await startBed('wait');
});

afterAll(async () => {
  await bed.stop();
});

function installOf(name: string, objects: Doc[], options: Partial<InstallOptions> = {}) {
  return installed(bed, rendered(bed.namespace, objects, { name }), options);
}

const claim = (name: string): Doc => ({
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  metadata: { name },
  spec: {
    accessModes: ['ReadWriteOnce'],
    storageClassName: '',
    resources: { requests: { storage: '1Mi' } },
  },
});

const short = { timeoutMs: 400 };

describe.each(['poller', 'legacy'] as const)('with the strategy %s', (waitStrategy) => {
  const named = (name: string) => `${name}-${waitStrategy}`;

  test('an install ends when its workloads are ready', async () => {
    const name = named('ready');
    await installOf(name, [deployment(name, 2), job(`${name}-job`)], { waitStrategy });
    const found = await bed.find('apps/v1', 'Deployment', name);
    expect(found).toHaveProperty('status.readyReplicas', 2);
    expect(await bed.find('batch/v1', 'Job', `${name}-job`)).toHaveProperty('status.succeeded', 1);
  });

  test('an install fails when its time is over', async () => {
    const name = named('claim');
    const objects = [claim(name), deployment(name, 1, 'pending')];
    const error = await installOf(name, objects, { waitStrategy, ...short }).catch((e) => e);
    expect(error.message).toMatch(/^timeout after 400ms waiting for: /);
    for (const kind of ['PersistentVolumeClaim', 'Deployment'])
      expect(error.message).toContain(`${kind}/${bed.namespace}/${name} status: 'InProgress' (`);
  });

  test('a failure tells why the Pods of a Deployment are refused', async () => {
    const name = named('refused');
    const refused = deployment(name, 1) as Doc & { spec: { template: { spec: object } } };
    Object.assign(refused.spec.template.spec, { serviceAccountName: 'missing' });
    const error = await installOf(name, [refused], { waitStrategy, timeoutMs: 4000 }).catch(
      (e) => e,
    );
    expect(error.message).toContain(`Deployment/${bed.namespace}/${name} status: 'InProgress' (`);
    expect(error.message).toContain('serviceaccount "missing" not found');
  });

  test('nothing is waited for when that is not wanted', async () => {
    const name = named('unwaited');
    const objects = [deployment(name, 1, 'pending'), job(`${name}-job`, 'pending')];
    const release = await installOf(name, objects, { waitStrategy, disableWait: true });
    expect(release.info.status).toBe('deployed');
  });

  test('Jobs need not complete when that is not wanted', async () => {
    const name = named('job');
    await installOf(name, [job(name, 'pending')], { waitStrategy, disableWaitForJobs: true });
    const again = rendered(bed.namespace, [job(name, 'pending')], { name: `${name}-again` });
    await expect(installed(bed, again, { waitStrategy, ...short })).rejects.toThrow('timeout');
  });

  test('a Job that fails ends the wait at once', async () => {
    const name = named('failing');
    const objects = [job(name, 'fail'), deployment(name, 1, 'pending')];
    await expect(installOf(name, objects, { waitStrategy })).rejects.toThrow(
      `failed early due to stalled resources: [Job/${bed.namespace}/${name} status: 'Failed' (Job`,
    );
  });

  test('a paused Deployment is not waited for', async () => {
    const name = named('paused');
    const paused = deployment(name, 1, 'pending');
    const spec = { ...(paused['spec'] as object), paused: true };
    await installOf(name, [{ ...paused, spec }], { waitStrategy });
  });

  test('an APIService without a server is not waited for, as with helm', async () => {
    const group = `${named('silent')}.example.org`;
    const spec = {
      group,
      version: 'v1',
      groupPriorityMinimum: 100,
      versionPriority: 100,
      insecureSkipTLSVerify: true,
      service: { name: 'nowhere', namespace: bed.namespace },
    };
    const api = { apiVersion: 'apiregistration.k8s.io/v1', kind: 'APIService' };
    const release = await installOf(
      named('silent'),
      [{ ...api, metadata: { name: `v1.${group}` }, spec }],
      { waitStrategy },
    );
    expect(release.info.status).toBe('deployed');
    const resource = await bed.client.mapper.resourceFor(gvkOf(api));
    await bed.client.delete(resource, { name: `v1.${group}` });
  });
});

describe('health rules', () => {
  const byState = {
    field: 'spec.healthCheckExprs',
    exprs: [
      {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        current: "has(data.state) && data.state == 'good'",
        failed: "has(data.state) && data.state == 'bad'",
      },
    ],
  };
  const judged = (name: string, objects: Doc[]) =>
    installed(
      { ...bed, ctx: { ...bed.ctx, healthRules: byState } },
      rendered(bed.namespace, objects, { name }),
    );

  test('judge the objects of their kinds', async () => {
    const waiting = judged('custom', [configMap('custom')]);
    await bed.until('ConfigMap', 'custom', () => true);
    await bed.patch('ConfigMap', 'custom', { data: { state: 'good' } });
    expect((await waiting).info.status).toBe('deployed');
    await expect(judged('bad', [configMap('bad', { state: 'bad' })])).rejects.toThrow(
      'failed early',
    );
  });

  test('leave a Job that went away once it had ended as ready', async () => {
    const fleeting = job('fleeting');
    const spec = { ...(fleeting['spec'] as object), ttlSecondsAfterFinished: 0 };
    const waiting = judged('fleeting', [{ ...fleeting, spec }, configMap('gate')]);
    const key = { namespace: bed.namespace, name: 'fleeting' };
    await until(bed.client, jobs, key, () => true);
    await untilGone(bed.client, jobs, key);
    await bed.patch('ConfigMap', 'gate', { data: { state: 'good' } });
    expect((await waiting).info.status).toBe('deployed');
  });
});

test('kinds that the controller may not watch are read as the tenant', async () => {
  const nobody = bed.client.impersonate({ user: 'nobody' });
  const { identity, owner, held } = bed.ctx;
  const labelSelector = helmReleaseNameLabel;
  const watches = createLiveObjects({ client: nobody, labelSelector, identity });
  const cluster = new Cluster({
    live: watches,
    identity,
    inventories: (_, id) => held.has(id),
    kinds: bed.ctx.cluster.kinds,
    named: bed.ctx.cluster.named,
  });
  const ctx = { ...bed.ctx, cluster, live: cluster.liveOf(owner, bed.client) };
  const release = rendered(bed.namespace, [deployment('unwatched', 1)], { name: 'unwatched' });
  // Longer than the test may take: only another look before the end of the time can help.
  await installed({ ...bed, ctx }, release, { timeoutMs: 600_000 });
  const found = await bed.find('apps/v1', 'Deployment', 'unwatched');
  expect(found).toHaveProperty('status.readyReplicas', 1);
  await cluster.stop();
});

test('a timeout tells what keeps the Pods of a workload from being ready', async () => {
  await expect(installOf('crashing', [deployment('crashing', 1, 'fail')], short)).rejects.toThrow(
    /Pod\/.*crashing-\S+: container main ended with exit code 1 \(Error\)/,
  );
});

test('a wait holds no permit', async () => {
  const controller = new AbortController();
  const slots = new Semaphore(1);
  const applied = Promise.withResolvers<void>();
  const stuck = {
    ...bed.ctx,
    slots,
    signal: controller.signal,
    onApplied: () => applied.resolve(),
  };
  const release = rendered(bed.namespace, [deployment('stuck', 1, 'pending')], { name: 'stuck' });
  const waiting = installed({ ...bed, ctx: stuck }, release);
  await applied.promise;
  const other = rendered(bed.namespace, [deployment('other', 1)], { name: 'other' });
  await installed({ ...bed, ctx: { ...bed.ctx, slots } }, other);
  controller.abort(new Error('enough'));
  await expect(waiting).rejects.toThrow('enough');
});

test('what was applied is known to drift detection, but for what is ignored', async () => {
  const driftIgnore = [{ paths: ['/data/free'] }];
  const objects = [configMap('drift', { free: '1', ours: '1' })];
  const release = rendered(bed.namespace, objects, { name: 'drift' });
  await installed({ ...bed, ctx: { ...bed.ctx, driftIgnore } }, release);
  const id = { namespace: bed.namespace, name: 'drift', group: '', kind: 'ConfigMap' };
  const { applied } = bed.ctx.cluster;
  const isDrifted = async () =>
    applied.isDrifted(await bed.find<KubeObject>('v1', 'ConfigMap', 'drift'), id);
  expect(applied.ownerOf(id)).toBe(`${bed.namespace}/app`);
  await bed.patch('ConfigMap', 'drift', { data: { free: '2' } });
  expect(await isDrifted()).toBe(false);
  await bed.patch('ConfigMap', 'drift', { data: { ours: '2' } });
  expect(await isDrifted()).toBe(true);
});
