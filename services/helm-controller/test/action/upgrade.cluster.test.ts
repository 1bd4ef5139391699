import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { KubeObject } from '@sluice/shared/api';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ActionContext } from '../../src/action/context.ts';
import { unlock } from '../../src/action/unlock.ts';
import type { UpgradeOptions } from '../../src/action/upgrade.ts';
import type { Release } from '../../src/release/release.ts';
import { type Bed, installed, startBed, upgraded } from './bed.ts';
import {
  configMap,
  type Doc,
  deployment,
  manifestOf,
  rendered,
  service,
  serviceAccount,
  without,
} from './objects.ts';

let bed: Bed;

beforeAll(async () => {
  bed = await startBed();
});

afterAll(async () => {
  await bed.stop();
});

/** Shortens making a release of some objects. */
function of(name: string, objects: Doc[], fields = {}) {
  return rendered(bed.namespace, objects, { name, ...fields });
}

async function historyOf(name: string) {
  const releases = await bed.ctx.storage.history(name);
  return releases.map(({ version, info }) => [version, info.status, info.description]);
}

test('an upgrade changes, adds and deletes objects, and follows on in the history', async () => {
  const one = await installed(bed, of('web', [configMap('a', { x: '1', y: '1' }), configMap('b')]));
  const two = await upgraded(bed, one, of('web', [configMap('a', { x: '2' }), configMap('c')]));
  expect(two.info).toMatchObject({ status: 'deployed', first_deployed: one.info.first_deployed });
  const a = await bed.find('v1', 'ConfigMap', 'a');
  expect(a).toHaveProperty('data', { x: '2' });
  expect(await bed.find('v1', 'ConfigMap', 'b')).toBeUndefined();
  expect(await bed.find('v1', 'ConfigMap', 'c')).toBeDefined();
  expect(await historyOf('web')).toEqual([
    [1, 'superseded', 'Install complete'],
    [2, 'deployed', 'Upgrade complete'],
  ]);
  expect(JSON.parse(await bed.helm('history', 'web', '--output', 'json'))).toEqual([
    expect.objectContaining({ revision: 1, status: 'superseded' }),
    expect.objectContaining({ revision: 2, status: 'deployed', description: 'Upgrade complete' }),
  ]);
});

describe('an upgrade of four objects', () => {
  /** Four objects of a name, one of which holds a value. */
  const objectsOf = (name: string, x: string): Doc[] => [
    serviceAccount(name),
    configMap(name, { x }),
    configMap(`${name}-same`, { x: '1' }),
    service(name),
  ];
  /** Has the watches catch up with what was applied, by a change of somebody else that does not matter. */
  const seen = async (objects: Doc[]) => {
    const annotations = { seen: randomUUID() };
    for (const { kind, metadata } of objects)
      await bed.patch(kind, metadata.name ?? '', { metadata: { annotations } });
  };
  /** Upgrades, and returns the release and what was asked of the server for its objects. */
  const upgradedTo = async (
    before: Release,
    objects: Doc[],
    o: Partial<UpgradeOptions> & Partial<Pick<ActionContext, 'driftIgnore'>> = {},
  ) => {
    const { driftIgnore = [], ...options } = o;
    let release = before;
    const calls = await bed.calls(async (ctx) => {
      const own = { ...bed, ctx: { ...ctx, driftIgnore } };
      release = await upgraded(own, before, of(before.name, objects), options);
    });
    return { release, calls: calls.toSorted() };
  };
  const callsOf = (objects: Doc[]) =>
    objects.map(({ kind, metadata }) => `apply ${kind}/${metadata.name}`).toSorted();

  test('costs a request for each that changes, and three for the records', async () => {
    const [before, after] = [objectsOf('cost', '1'), objectsOf('cost', '2')];
    const one = await installed(bed, of('cost', before));
    await seen(before);
    bed.requests();
    const two = await upgraded(bed, one, of('cost', after));
    expect(bed.requests().sort()).toEqual(['PATCH 200', 'POST 201', 'PUT 200', 'PUT 200']);
    expect(await bed.find('v1', 'ConfigMap', 'cost')).toHaveProperty('data', { x: '2' });
    await seen(after);
    expect((await upgradedTo(two, after)).calls).toEqual([]);
  });

  test('sends again what is no longer as it was sent', async () => {
    const objects = objectsOf('edited', '1');
    const one = await installed(bed, of('edited', objects));
    await seen(objects);
    await bed.patch('ConfigMap', 'edited-same', { data: { x: 'edited' } });
    const two = await upgradedTo(one, objects);
    expect(two.calls).toEqual(['apply ConfigMap/edited-same']);
    expect(await bed.find('v1', 'ConfigMap', 'edited-same')).toHaveProperty('data', { x: '1' });
  });

  test('sends everything on request, after a failed one, and where fields are left to others', async () => {
    const objects = objectsOf('all', '1');
    const one = await installed(bed, of('all', objects));
    await seen(objects);
    const two = await upgradedTo(one, objects, { sendsAll: true });
    expect(two.calls).toEqual(callsOf(objects));
    const { release } = two;
    const failed = { ...release, info: { ...release.info, status: 'failed' as const } };
    const three = await upgradedTo(failed, objects);
    expect(three.calls).toEqual(callsOf(objects));
    const driftIgnore = [{ paths: ['/data/x'] }];
    const four = await upgradedTo(three.release, objects, { driftIgnore });
    expect(four.calls).toEqual(callsOf(objects));
    expect((await upgradedTo(four.release, objects)).calls).toEqual([]);
  });

  test('sends an annotation by which people run an object', async () => {
    const annotations = { 'deployment.kubernetes.io/revision': '1' };
    const objects = [configMap('run', {}, { annotations }), configMap('run-same')];
    const one = await installed(bed, of('run', objects));
    await seen(objects);
    expect((await upgradedTo(one, objects)).calls).toEqual(['apply ConfigMap/run']);
  });
});

describe('objects that leave the release', () => {
  test('stay when their policy says keep, or when they are no longer of the release', async () => {
    const keep = { annotations: { 'helm.sh/resource-policy': 'keep' } };
    const objects = [configMap('kept', {}, keep), configMap('kept-live'), configMap('given-away')];
    const one = await installed(bed, of('leave', objects));
    const annotated = (annotations: Record<string, string>) => ({ metadata: { annotations } });
    await bed.patch('ConfigMap', 'kept-live', annotated({ 'helm.sh/resource-policy': 'keep' }));
    await bed.patch('ConfigMap', 'given-away', annotated({ 'meta.helm.sh/release-name': 'other' }));
    await upgraded(bed, one, of('leave', []));
    for (const name of ['kept', 'kept-live', 'given-away'])
      expect(await bed.find('v1', 'ConfigMap', name)).toBeDefined();
  });

  test('are deleted in the order in which Helm uninstalls', async () => {
    const objects = [
      serviceAccount('gone'),
      configMap('gone'),
      service('gone'),
      deployment('gone'),
    ];
    const one = await installed(bed, of('gone', objects));
    const deleted = await bed.deletions((ctx) => upgraded({ ...bed, ctx }, one, of('gone', [])));
    expect(deleted).toEqual([
      'Service/gone',
      'Deployment/gone',
      'ConfigMap/gone',
      'ServiceAccount/gone',
    ]);
  });

  test('stay when something could not be applied', async () => {
    const one = await installed(bed, of('stays', [configMap('stays')]));
    const bad = without(deployment('stays'), 'spec.selector');
    await expect(upgraded(bed, one, of('stays', [bad]))).rejects.toThrow('apply failed');
    expect(await bed.find('v1', 'ConfigMap', 'stays')).toBeDefined();
    expect((await historyOf('stays')).map(([, status]) => status)).toEqual(['deployed', 'failed']);
  });

  test('are deleted later when a failed revision has made them', async () => {
    const one = await installed(bed, of('left', [configMap('left-a')]));
    const bad = without(deployment('left'), 'spec.selector');
    const two = of('left', [configMap('left-a'), configMap('left-b'), bad]);
    await expect(upgraded(bed, one, two)).rejects.toThrow('apply failed');
    expect(await bed.find('v1', 'ConfigMap', 'left-b')).toBeDefined();
    await upgraded(bed, one, of('left', [configMap('left-a')], { version: 3 }));
    expect(await bed.find('v1', 'ConfigMap', 'left-b')).toBeUndefined();
  });

  test('are not mistaken for others when only the API version changes', async () => {
    const scaler = (version: string) => ({
      apiVersion: `autoscaling/${version}`,
      kind: 'HorizontalPodAutoscaler',
      metadata: { name: 'scaler' },
      spec: {
        maxReplicas: 3,
        scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
      },
    });
    const options = { disableWait: true };
    const one = await installed(bed, of('versions', [scaler('v1')]), options);
    const before = await bed.find<KubeObject>(
      'autoscaling/v2',
      'HorizontalPodAutoscaler',
      'scaler',
    );
    await upgraded(bed, one, of('versions', [scaler('v2')]), options);
    const after = await bed.find<KubeObject>('autoscaling/v2', 'HorizontalPodAutoscaler', 'scaler');
    expect(after?.metadata.uid).toBe(before?.metadata.uid);
  });
});

describe('a failed upgrade', () => {
  test('deletes what it has created when that is wanted, and nothing else', async () => {
    const one = await installed(bed, of('clean', [configMap('clean-a')]));
    const objects = [
      configMap('clean-a', { x: '1' }),
      configMap('clean-b'),
      without(deployment('clean'), 'spec.selector'),
    ];
    await expect(
      upgraded(bed, one, of('clean', objects), { cleanupOnFail: true }),
    ).rejects.toMatchObject({ stored: true });
    expect(await bed.find('v1', 'ConfigMap', 'clean-a')).toBeDefined();
    expect(await bed.find('v1', 'ConfigMap', 'clean-b')).toBeUndefined();
  });

  test('leaves later kinds alone when it cannot create an object, but not when it cannot change one', async () => {
    const halt = [
      configMap('halt'),
      { ...service('halt'), spec: { ports: [] } },
      deployment('halt'),
    ];
    const one = await installed(bed, of('halt', [configMap('halt')]));
    await expect(upgraded(bed, one, of('halt', halt))).rejects.toThrow('Service/');
    expect(await bed.find('apps/v1', 'Deployment', 'halt')).toBeUndefined();
    const two = await installed(bed, of('go-on', [service('go-on')]));
    const next = [{ ...service('go-on'), spec: { ports: [] } }, deployment('go-on')];
    await expect(upgraded(bed, two, of('go-on', next))).rejects.toThrow('Service/');
    expect(await bed.find('apps/v1', 'Deployment', 'go-on')).toBeDefined();
  });

  test('names each object that is not ready, and why, and keeps the former revision deployed', async () => {
    const one = await installed(bed, of('never', [deployment('never')]));
    const two = of('never', [deployment('never', 2, 'pending'), configMap('never')]);
    const error = await upgraded(bed, one, two, { timeoutMs: 1500 }).catch((e) => e);
    expect(error.message).toContain(
      `timeout after 1.5s waiting for: [Deployment/${bed.namespace}/never status: 'InProgress' (Available: 0/2)]`,
    );
    expect(error.message).toMatch(/\nPod\/.*never-\S+: its containers have not started$/);
    expect(await historyOf('never')).toEqual([
      [1, 'deployed', 'Install complete'],
      [2, 'failed', `Upgrade "never" failed: ${error.message}`],
    ]);
  });

  test('leaves new objects of others alone when it may not take them over', async () => {
    await bed.create(configMap('theirs', { a: 'theirs' }));
    const one = await installed(bed, of('polite', [configMap('polite')]));
    const two = of('polite', [configMap('polite', { x: '1' }), configMap('theirs')]);
    await expect(upgraded(bed, one, two, { takeOwnership: false })).rejects.toThrow(
      `unable to continue with update: ConfigMap/${bed.namespace}/theirs exists`,
    );
    expect(await bed.find('v1', 'ConfigMap', 'polite')).not.toHaveProperty('data.x');
    expect(await historyOf('polite')).toHaveLength(1);
  });
});

describe('the way of applying', () => {
  test('may change from the client side to the server side, and fields still go away', async () => {
    const client = { apply_method: 'csa' as const };
    const one = await installed(
      bed,
      of('switch', [configMap('switch', { x: '1', y: '1' })], client),
    );
    await upgraded(bed, one, of('switch', [configMap('switch', { x: '2' })]));
    const found = await bed.find<KubeObject>('v1', 'ConfigMap', 'switch');
    expect(found).toHaveProperty('data', { x: '2' });
    const managers = found?.metadata.managedFields?.map(({ manager, operation }) => [
      manager,
      operation,
    ]);
    expect(managers).toEqual([['helm-controller', 'Apply']]);
  });

  test('on the client side keeps what others have added, and removes what left the manifest', async () => {
    const client = { apply_method: 'csa' as const };
    const one = await installed(bed, of('merge', [configMap('merge', { x: '1', y: '1' })], client));
    await bed.patch('ConfigMap', 'merge', { data: { z: 'theirs' } });
    await upgraded(bed, one, of('merge', [configMap('merge', { x: '2' })], client));
    expect(await bed.find('v1', 'ConfigMap', 'merge')).toHaveProperty('data', {
      x: '2',
      z: 'theirs',
    });
  });

  test('with force on the client side replaces objects', async () => {
    const client = { apply_method: 'csa' as const };
    const one = await installed(bed, of('force', [configMap('force', { x: '1' })], client));
    await bed.patch('ConfigMap', 'force', { data: { z: 'theirs' } });
    const two = of('force', [configMap('force', { x: '2' })], client);
    await upgraded(bed, one, two, { force: true });
    expect(await bed.find('v1', 'ConfigMap', 'force')).toHaveProperty('data', { x: '2' });
  });
});

test('a release that the helm CLI has made is upgraded in place, and loses what left the manifest', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'sluice-action-'));
  const objects = [configMap('cli', { x: '1', y: '1' }), configMap('cli-gone')];
  await mkdir(join(dir, 'templates'));
  await writeFile(join(dir, 'Chart.yaml'), 'apiVersion: v2\nname: cli\nversion: 1.0.0\n');
  await writeFile(join(dir, 'templates', 'all.yaml'), manifestOf(objects));
  await bed.helm('install', 'cli', dir);
  await rm(dir, { recursive: true });
  const current = await bed.ctx.storage.last('cli');
  if (current === undefined) throw new Error('the CLI has stored no release');
  await upgraded(bed, current, of('cli', [configMap('cli', { x: '2' })]));
  expect(await bed.find('v1', 'ConfigMap', 'cli')).toHaveProperty('data', { x: '2' });
  expect(await bed.find('v1', 'ConfigMap', 'cli-gone')).toBeUndefined();
  // Without the flag, the CLI gives way to every other field manager.
  await bed.helm('rollback', 'cli', '1', '--force-conflicts');
  expect(await bed.find('v1', 'ConfigMap', 'cli-gone')).toBeDefined();
  expect((await historyOf('cli')).map(([, status]) => status)).toEqual([
    'superseded',
    'superseded',
    'deployed',
  ]);
});

test('the oldest revisions are deleted, but not the deployed one', async () => {
  let current = await installed(bed, of('old', [configMap('old')]));
  for (let i = 0; i < 3; i++)
    current = await upgraded(bed, current, of('old', [configMap('old')]), { maxHistory: 2 });
  expect((await historyOf('old')).map(([version]) => version)).toEqual([3, 4]);
});

test('a pending release is unlocked in the words of Flux, any other stays', async () => {
  const release = await installed(bed, of('locked', []));
  expect((await unlock(bed.ctx, release)).info.status).toBe('deployed');
  release.info.status = 'pending-upgrade';
  await bed.ctx.storage.update(release);
  await unlock(bed.ctx, release);
  expect(await unlock(bed.ctx, release)).toBe(release);
  expect(await historyOf('locked')).toEqual([
    [1, 'failed', "Release unlocked from stale 'pending-upgrade' state"],
  ]);
});
