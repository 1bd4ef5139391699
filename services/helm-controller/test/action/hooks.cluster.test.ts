import type { KubeObject } from '@sluice/shared/api';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runTests } from '../../src/action/test.ts';
import type { Hook, Release } from '../../src/release/release.ts';
import { type Bed, installed, jobs, startBed, upgraded } from './bed.ts';
import { configMap, type Doc, hook, job, pod, rendered, without } from './objects.ts';

let bed: Bed;

beforeAll(async () => {
  bed = await startBed();
});

afterAll(async () => {
  await bed.stop();
});

function of(name: string, hooks: Hook[], objects: Doc[] = [configMap(name)]) {
  return rendered(bed.namespace, objects, { name, hooks });
}

async function stored(name: string): Promise<Release> {
  const release = await bed.ctx.storage.last(name);
  if (release === undefined) throw new Error(`there is no release ${name}`);
  return release;
}

function phasesOf({ hooks = [] }: Release) {
  return Object.fromEntries(hooks.map((each) => [each.name, each.last_run.phase]));
}

/** Installs and returns the writes to objects in order. */
async function writesOf(release: Release, options = {}): Promise<string[]> {
  const calls = await bed.calls((ctx) => installed({ ...bed, ctx }, release, options));
  return calls.filter((call) => /^(apply|create|delete) (?!Secret)/.test(call));
}

test('hooks run at their event, lighter ones first, then by name', async () => {
  const hooks = [
    hook(configMap('order-c'), ['pre-install'], { weight: -1 }),
    hook(configMap('order-b'), ['pre-install']),
    hook(configMap('order-a'), ['pre-install', 'pre-upgrade']),
    hook(configMap('order-z'), ['post-install'], { weight: -5 }),
    hook(configMap('order-u'), ['post-upgrade']),
  ];
  expect(await writesOf(of('order', hooks))).toEqual([
    'apply ConfigMap/order-c',
    'apply ConfigMap/order-a',
    'apply ConfigMap/order-b',
    'apply ConfigMap/order',
    'apply ConfigMap/order-z',
  ]);
  const release = await stored('order');
  expect(phasesOf(release)).toMatchObject({ 'order-a': 'Succeeded', 'order-u': '' });
  expect(release.hooks?.[2]).toMatchObject({
    delete_policies: ['before-hook-creation'],
    last_run: { started_at: expect.any(String), completed_at: expect.any(String) },
  });
  const next = of('order', hooks, []);
  const calls = await bed.calls((ctx) => upgraded({ ...bed, ctx }, release, next));
  expect(calls.filter((call) => /^(apply|delete) /.test(call))).toEqual([
    'delete ConfigMap/order-a',
    'apply ConfigMap/order-a',
    'delete ConfigMap/order',
    'apply ConfigMap/order-u',
  ]);
});

test('hooks are left out when they are disabled', async () => {
  const hooks = [hook(configMap('off'), ['pre-install', 'post-install'])];
  await installed(bed, of('disabled', hooks), { disableHooks: true });
  expect(await bed.find('v1', 'ConfigMap', 'off')).toBeUndefined();
});

test('Jobs have to complete and Pods to succeed before the action goes on', async () => {
  const hooks = [
    hook(job('migrate'), ['pre-install']),
    hook(pod('check', 'complete'), ['pre-install']),
  ];
  await installed(bed, of('ends', hooks));
  expect(await bed.find('batch/v1', 'Job', 'migrate')).toHaveProperty('status.succeeded', 1);
  expect(await bed.find('v1', 'Pod', 'check')).toHaveProperty('status.phase', 'Succeeded');
});

test('a hook carries the labels by which it is watched, but is no object of the release', async () => {
  await installed(bed, of('labels', [hook(configMap('labelled'), ['pre-install'])]));
  const found = await bed.find<KubeObject>('v1', 'ConfigMap', 'labelled');
  expect(found?.metadata.labels).toMatchObject({ 'helm.toolkit.fluxcd.io/name': 'app' });
  expect(found?.metadata.labels).not.toHaveProperty(['app.kubernetes.io/managed-by']);
  expect(found?.metadata.annotations).toBeUndefined();
});

describe('a hook that fails', () => {
  test('fails the action at once, with the reason, before anything else is applied', async () => {
    const release = of('failing', [hook(job('failing-job', 'fail'), ['pre-install'])]);
    const error = await installed(bed, release).catch((e) => e);
    expect(error.message).toContain(
      'failed pre-install: hook pre-install web/templates/failing-job.yaml failed: ' +
        `failed early due to stalled resources: [Job/${bed.namespace}/failing-job status: 'Failed' (Job failed: BackoffLimitExceeded`,
    );
    expect(error.message).toMatch(
      /container main of Pod\/.*failing-job.* \(ended with exit code 1/,
    );
    expect(await bed.find('v1', 'ConfigMap', 'failing')).toBeUndefined();
    const { info, hooks } = await stored('failing');
    expect(info.status).toBe('failed');
    expect(info.description).toMatch(/^Release "failing" failed: failed pre-install: /);
    expect(hooks?.[0]?.last_run).toMatchObject({
      phase: 'Failed',
      completed_at: expect.any(String),
    });
  });

  test('after the objects fails the action as well', async () => {
    const release = of('late', [hook(pod('late-pod', 'fail'), ['post-install'])]);
    await expect(installed(bed, release)).rejects.toThrow(
      'failed post-install: hook post-install web/templates/late-pod.yaml failed',
    );
    expect(await bed.find('v1', 'ConfigMap', 'late')).toBeDefined();
  });

  test('because its time is over says what it was waiting for', async () => {
    const release = of('slow', [hook(job('slow-job', 'pending'), ['pre-install'])]);
    await expect(installed(bed, release, { timeoutMs: 400 })).rejects.toThrow(
      `timeout after 400ms waiting for: [Job/${bed.namespace}/slow-job status: 'InProgress' (Job in progress)]`,
    );
  });

  test('because it is refused is recorded as failed', async () => {
    const bad = hook(without(job('refused-job'), 'spec.template'), ['pre-install']);
    await expect(installed(bed, of('refused', [bad]))).rejects.toThrow('apply failed');
    expect(phasesOf(await stored('refused'))).toEqual({ 'refused-job': 'Failed' });
  });

  test('because its kind is not served fails the release, too', async () => {
    const thing = { apiVersion: 'example.com/v1', kind: 'Thing', metadata: { name: 'thing' } };
    await expect(installed(bed, of('kindless', [hook(thing, ['pre-install'])]))).rejects.toThrow(
      'Thing',
    );
    expect((await stored('kindless')).info.status).toBe('failed');
  });
});

describe('the delete policy', () => {
  test.each([
    { policies: [], stays: true, why: 'before-hook-creation is the default' },
    { policies: ['before-hook-creation'], stays: true, why: 'it is made anew later' },
    { policies: ['hook-succeeded'], stays: false, why: 'it has succeeded' },
    { policies: ['hook-failed'], stays: true, why: 'it has not failed' },
  ] as const)('$policies after success: stays $stays, for $why', async ({ policies, stays }) => {
    const name = `done-${policies[0] ?? 'default'}`;
    const hooks = [hook(job(name), ['pre-install'], { delete_policies: [...policies] })];
    await installed(bed, of(name, hooks));
    expect((await bed.find('batch/v1', 'Job', name)) !== undefined).toBe(stays);
  });

  test('hook-failed deletes the failed one, hook-succeeded those before it', async () => {
    const hooks = [
      hook(job('seq-a'), ['pre-install'], { delete_policies: ['hook-succeeded'] }),
      hook(job('seq-b', 'fail'), ['pre-install'], { delete_policies: ['hook-failed'] }),
      hook(job('seq-c'), ['pre-install']),
    ];
    await expect(installed(bed, of('seq', hooks))).rejects.toThrow('seq-b');
    const { items } = await bed.client.list<KubeObject>(jobs, { namespace: bed.namespace });
    expect(items.filter(({ metadata }) => metadata.name.startsWith('seq-'))).toEqual([]);
    expect(phasesOf(await stored('seq'))).toEqual({
      'seq-a': 'Succeeded',
      'seq-b': 'Failed',
      'seq-c': '',
    });
  });

  test('before-hook-creation makes the object anew', async () => {
    const hooks = [hook(job('anew'), ['pre-install', 'pre-upgrade'])];
    const one = await installed(bed, of('anew', hooks));
    const before = await bed.find<KubeObject>('batch/v1', 'Job', 'anew');
    await upgraded(bed, one, of('anew', hooks));
    const after = await bed.find<KubeObject>('batch/v1', 'Job', 'anew');
    expect(after?.metadata.uid).not.toBe(before?.metadata.uid);
    expect(after).toHaveProperty('status.succeeded', 1);
  });

  test('before-hook-creation waits until the former object is gone', async () => {
    const held = configMap('held', {}, { finalizers: ['test.sluice.dev/held'] });
    const hooks = [hook(held, ['pre-install', 'pre-upgrade'])];
    const one = await installed(bed, of('held', hooks, []));
    await expect(upgraded(bed, one, of('held', hooks, []), { timeoutMs: 300 })).rejects.toThrow(
      `timeout after 300ms waiting for the deletion of: [ConfigMap/${bed.namespace}/held (held by its finalizers`,
    );
    await bed.free('held');
  });
});

describe('tests', () => {
  const tests = (name: string, second?: string) => [
    hook(pod(`${name}-a`, 'complete'), ['test']),
    hook(pod(`${name}-b`, second ?? 'complete'), ['test']),
    hook(configMap(`${name}-c`), ['post-install']),
  ];
  const run = (release: Release, filters: { name: string; exclude?: boolean }[] = []) =>
    runTests(bed.ctx, { release, options: { timeoutMs: 30_000, filters } });

  test('run and are recorded, as the helm CLI shows', async () => {
    const release = await installed(bed, of('tested', tests('tested')));
    await run(release);
    expect(phasesOf(await stored('tested'))).toMatchObject({
      'tested-a': 'Succeeded',
      'tested-b': 'Succeeded',
    });
    expect(await bed.helm('status', 'tested')).toMatch(/TEST SUITE:\s+tested-a[\s\S]*Succeeded/);
  });

  test('that fail are named, and recorded; the release stays deployed', async () => {
    const release = await installed(bed, of('failtest', tests('failtest', 'fail')));
    const error = await run(release).catch((e) => e);
    expect(error.message).toContain('hook test web/templates/failtest-b.yaml failed');
    expect(error).toMatchObject({ stored: true });
    const found = await stored('failtest');
    expect(found.info.status).toBe('deployed');
    expect(phasesOf(found)).toMatchObject({ 'failtest-a': 'Succeeded', 'failtest-b': 'Failed' });
  });

  test.each([
    { name: 'excluded', filters: [{ name: 'excluded-a', exclude: true }], ran: ['', 'Succeeded'] },
    { name: 'included', filters: [{ name: 'included-a' }], ran: ['Succeeded', ''] },
  ])('are $name by filters', async ({ name, filters, ran }) => {
    const release = await installed(bed, of(name, tests(name)));
    await run(release, filters);
    const phases = phasesOf(await stored(name));
    expect([phases[`${name}-a`], phases[`${name}-b`]]).toEqual(ran);
    expect((await stored(name)).hooks).toHaveLength(3);
  });

  test('cost no request when there are none', async () => {
    const release = await installed(bed, of('testless', []));
    bed.requests();
    expect(await run(release)).toBe(release);
    expect(bed.requests()).toEqual([]);
  });
});
