import type { KubeObject } from '@sluice/shared/api';
import type { KubeClient } from '@sluice/shared/kube';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type UninstallOptions, uninstall } from '../../src/action/uninstall.ts';
import type { Release } from '../../src/release/release.ts';
import { type Bed, configMaps, installed, startBed, upgraded } from './bed.ts';
import {
  configMap,
  type Doc,
  deployment,
  hook,
  job,
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

const options: UninstallOptions = {
  timeoutMs: 30_000,
  disableHooks: false,
  disableWait: false,
  keepHistory: false,
  propagation: 'background',
};

function of(name: string, objects: Doc[], fields: Partial<Release> = {}) {
  return rendered(bed.namespace, objects, { name, ...fields });
}

test('an uninstall deletes the objects in the order of Helm, and all records', async () => {
  const objects = [serviceAccount('all'), configMap('all'), service('all'), deployment('all')];
  const one = await installed(bed, of('all', objects));
  const release = await upgraded(bed, one, of('all', objects));
  const deleted = await bed.deletions((ctx) => uninstall(ctx, { release, options }));
  expect(deleted).toEqual(['Service/all', 'Deployment/all', 'ConfigMap/all', 'ServiceAccount/all']);
  expect(release.info).toMatchObject({
    status: 'uninstalled',
    description: 'Uninstallation complete',
  });
  expect(release.info.deleted).toBeDefined();
  expect(await bed.ctx.storage.history('all')).toEqual([]);
  for (const { apiVersion, kind } of objects)
    expect(await bed.find(apiVersion, kind, 'all')).toBeUndefined();
});

test('an uninstall costs one request for each object, and three for the record', async () => {
  const release = await installed(bed, of('cost', [configMap('cost-a'), configMap('cost-b')]));
  // What the watch has not told yet is asked for.
  await vi.waitFor(
    () => {
      for (const name of ['cost-a', 'cost-b'])
        expect(bed.ctx.live.get(configMaps, { namespace: bed.namespace, name })).toBeDefined();
    },
    { timeout: 60_000 },
  );
  bed.requests();
  await uninstall(bed.ctx, { release, options });
  const [remove, list, store] = ['DELETE 200', 'GET 200', 'PUT 200'];
  expect(bed.requests().sort()).toEqual([remove, remove, remove, list, store]);
});

test('the records can be kept, as the helm CLI shows them', async () => {
  const one = await installed(bed, of('kept', [configMap('kept')]));
  const release = await upgraded(bed, one, of('kept', [configMap('kept')]));
  const keep = { ...options, keepHistory: true };
  await uninstall(bed.ctx, { release, options: keep });
  const history = JSON.parse(await bed.helm('history', 'kept', '--output', 'json'));
  expect(history).toEqual([
    expect.objectContaining({ revision: 1, status: 'superseded' }),
    expect.objectContaining({ status: 'uninstalled', description: 'Uninstallation complete' }),
  ]);
  // Once more changes nothing; without the wish to keep them, only the records go.
  expect(await uninstall(bed.ctx, { release, options: keep })).toBe(release);
  await uninstall(bed.ctx, { release, options });
  expect(await bed.ctx.storage.history('kept')).toEqual([]);
});

describe('objects', () => {
  test('stay when their policy says keep or they are of another release', async () => {
    const keep = { annotations: { 'helm.sh/resource-policy': 'keep' } };
    const objects = [configMap('stay-a', {}, keep), configMap('stay-b'), configMap('stay-c')];
    const release = await installed(bed, of('stay', objects));
    const annotations = { 'meta.helm.sh/release-name': 'other' };
    await bed.patch('ConfigMap', 'stay-b', { metadata: { annotations } });
    await uninstall(bed.ctx, { release, options });
    expect(await bed.find('v1', 'ConfigMap', 'stay-a')).toBeDefined();
    expect(await bed.find('v1', 'ConfigMap', 'stay-b')).toBeDefined();
    expect(await bed.find('v1', 'ConfigMap', 'stay-c')).toBeUndefined();
  });

  test('that failed revisions have left are deleted as well', async () => {
    const one = await installed(bed, of('rest', [configMap('rest-a')]));
    const bad = without(deployment('rest'), 'spec.selector');
    const two = of('rest', [configMap('rest-b'), bad]);
    await expect(upgraded(bed, one, two)).rejects.toThrow('apply failed');
    const release = (await bed.ctx.storage.last('rest')) as Release;
    await uninstall(bed.ctx, { release, options });
    expect(await bed.find('v1', 'ConfigMap', 'rest-a')).toBeUndefined();
    expect(await bed.find('v1', 'ConfigMap', 'rest-b')).toBeUndefined();
  });

  test('leave their dependants when that is wanted', async () => {
    const release = await installed(bed, of('orphan', [deployment('orphan', 1)]));
    const wanted = { ...options, propagation: 'orphan' as const };
    await uninstall(bed.ctx, { release, options: wanted });
    const replicaSets = await bed.client.list<KubeObject>(
      { group: 'apps', version: 'v1', kind: 'ReplicaSet', plural: 'replicasets', namespaced: true },
      { namespace: bed.namespace, labelSelector: 'app=orphan' },
    );
    expect(replicaSets.items).toHaveLength(1);
  });

  test('are waited for with their dependants in the foreground', async () => {
    const release = await installed(bed, of('front', [deployment('front', 1)]));
    const wanted = { ...options, propagation: 'foreground' as const };
    await uninstall(bed.ctx, { release, options: wanted });
    expect(await bed.find('apps/v1', 'Deployment', 'front')).toBeUndefined();
  });
});

describe('finalizers', () => {
  const held = (name: string) => configMap(name, {}, { finalizers: ['test.sluice.dev/held'] });

  test('keep an uninstall waiting until the time is over; the error names them', async () => {
    const release = await installed(bed, of('held', [held('held')]));
    const error = await uninstall(bed.ctx, {
      release,
      options: { ...options, timeoutMs: 300 },
    }).catch((e) => e);
    expect(error.message).toBe(
      'uninstallation completed with 1 error(s): timeout after 300ms waiting for the deletion of: ' +
        `[ConfigMap/${bed.namespace}/held (held by its finalizers test.sluice.dev/held)]`,
    );
    expect(error.release.info.status).toBe('uninstalled');
    expect(await bed.ctx.storage.last('held')).toBeUndefined();
    await bed.free('held');
  });

  test('are waited for by watch', async () => {
    const release = await installed(bed, of('freed', [held('freed')]));
    const ended = uninstall(bed.ctx, { release, options });
    await bed.until('ConfigMap', 'freed', ({ metadata }) => !!metadata.deletionTimestamp);
    await bed.free('freed');
    await ended;
    expect(await bed.find('v1', 'ConfigMap', 'freed')).toBeUndefined();
  });

  test('do not matter when there is no wait', async () => {
    const release = await installed(bed, of('unwaited', [held('unwaited')]));
    await uninstall(bed.ctx, { release, options: { ...options, disableWait: true } });
    expect(await bed.find('v1', 'ConfigMap', 'unwaited')).toBeDefined();
    await bed.free('unwaited');
  });
});

describe('hooks', () => {
  test('run before and after the deletion', async () => {
    const hooks = [
      hook(configMap('pre-delete'), ['pre-delete']),
      hook(configMap('post-delete'), ['post-delete']),
    ];
    const release = await installed(bed, of('hooks', [configMap('hooks')], { hooks }));
    const calls = await bed.calls((ctx) => uninstall(ctx, { release, options }));
    const order = calls.filter((call) => /^(apply|delete) /.test(call));
    expect(order).toEqual([
      'apply ConfigMap/pre-delete',
      'delete ConfigMap/hooks',
      'apply ConfigMap/post-delete',
    ]);
  });

  test('that fail after the deletion are told, and change nothing about it', async () => {
    const hooks = [hook(job('bad-post-delete', 'fail'), ['post-delete'])];
    const release = await installed(bed, of('late', [configMap('late')], { hooks }));
    await expect(uninstall(bed.ctx, { release, options })).rejects.toThrow(
      'uninstallation completed with 1 error(s): hook post-delete web/templates/bad-post-delete.yaml failed',
    );
    expect(await bed.find('v1', 'ConfigMap', 'late')).toBeUndefined();
    expect(await bed.ctx.storage.last('late')).toBeUndefined();
  });

  test('that fail keep everything as it is, to be tried again', async () => {
    const hooks = [hook(job('bad-pre-delete', 'fail'), ['pre-delete'])];
    const release = await installed(bed, of('stuck', [configMap('stuck')], { hooks }));
    const error = await uninstall(bed.ctx, { release, options }).catch((e) => e);
    expect(error.message).toContain('hook pre-delete web/templates/bad-pre-delete.yaml failed');
    expect(await bed.find('v1', 'ConfigMap', 'stuck')).toBeDefined();
    const again = (await bed.ctx.storage.last('stuck')) as Release;
    expect(again.info.status).toBe('uninstalling');
    await uninstall(bed.ctx, { release: again, options: { ...options, disableHooks: true } });
    expect(await bed.find('v1', 'ConfigMap', 'stuck')).toBeUndefined();
    expect(await bed.ctx.storage.last('stuck')).toBeUndefined();
  });
});

test('objects go even when somebody has deleted the record meanwhile', async () => {
  const release = await installed(bed, of('recordless', [configMap('recordless')]));
  await bed.ctx.storage.delete('recordless', 1);
  await uninstall(bed.ctx, { release, options });
  expect(await bed.find('v1', 'ConfigMap', 'recordless')).toBeUndefined();
});

test('an object that another release takes between the look and the deletion stays', async () => {
  const objects = [configMap('raced'), configMap('not-raced')];
  const release = await installed(bed, of('raced', objects));
  const { client } = bed.ctx;
  let races = 0;
  const racing = new Proxy(client, {
    get(target, name: keyof KubeClient) {
      const value = target[name];
      if (name !== 'delete') return typeof value === 'function' ? value.bind(target) : value;
      const remove: KubeClient['delete'] = async (resource, key, o) => {
        if (key.name === 'raced' && races++ === 0) {
          const annotations = { 'meta.helm.sh/release-name': 'another' };
          await target.patch(resource, key, { metadata: { annotations } }, { type: 'merge' });
        }
        return target.delete(resource, key, o);
      };
      return remove;
    },
  });
  await uninstall({ ...bed.ctx, client: racing }, { release, options });
  expect(races).toBe(1);
  expect(await bed.find('v1', 'ConfigMap', 'raced')).toBeDefined();
  expect(await bed.find('v1', 'ConfigMap', 'not-raced')).toBeUndefined();
});
