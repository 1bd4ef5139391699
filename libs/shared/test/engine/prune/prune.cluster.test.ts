import type { KubeObject } from '@sluice/shared/api';
import { applyObjects, inventoryOf, pruneObjects } from '@sluice/shared/engine';
import { coreResources, type KubeClient } from '@sluice/shared/kube';
import { testCluster, testNamespace } from '@sluice/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { configMap, deployment, identity, owned, prefix } from '../engine-objects.ts';

let client: KubeClient;
let namespace: string;

beforeAll(async () => {
  ({ client } = await testCluster());
  namespace = await testNamespace(client, 'prune');
});

function apply(objects: KubeObject[]) {
  return applyObjects(
    objects.map((object) => owned(object, namespace)),
    { client, identity, concurrency: 4 },
  );
}

function prune(objects: KubeObject[], owner = namespace, as = client) {
  return pruneObjects(inventoryOf(objects), {
    client: as,
    identity,
    owner: { name: owner, namespace: 'flux-system' },
    protection: () => undefined,
    concurrency: 4,
  });
}

describe('prune', () => {
  it('leaves an object alone that another owner applies between the look and the deletion', async () => {
    const object = configMap(namespace, 'moves');
    await apply([object]);
    const key = { namespace, name: 'moves' };
    const labels = { [`${prefix}/name`]: 'another' };
    const racing = new Proxy(client, {
      get(target, name: keyof KubeClient) {
        const value = target[name];
        if (name !== 'delete') return typeof value === 'function' ? value.bind(target) : value;
        const remove: KubeClient['delete'] = async (...args) => {
          const patch = { metadata: { labels } };
          await target.patch(coreResources.configMaps, key, patch, { type: 'merge' });
          return target.delete(...args);
        };
        return remove;
      },
    });
    const { deleted, skipped } = await prune([object], namespace, racing);
    expect({ deleted, skipped: skipped.map(({ why }) => why) }).toEqual({
      deleted: [],
      skipped: ['not owned'],
    });
    await client.get(coreResources.configMaps, key);
  });

  it('deletes what the owner labels claim and nothing else', async () => {
    const mine = configMap(namespace, 'mine');
    const kept = configMap(namespace, 'kept', {}, { prune: 'Disabled' });
    const paused = configMap(namespace, 'paused', {}, { reconcile: 'disabled' });
    await apply([mine, kept]);
    const foreign = [configMap(namespace, 'foreign'), paused, configMap(namespace, 'absent')];
    await client.create(coreResources.configMaps, configMap(namespace, 'foreign'));
    await client.create(coreResources.configMaps, owned(paused, namespace));
    const { deleted, skipped, failures } = await prune([mine, kept, ...foreign]);
    expect(failures).toEqual([]);
    expect(deleted.map((id) => id.name)).toEqual(['mine']);
    expect(Object.fromEntries(skipped.map(({ id, why }) => [id.name, why]))).toEqual({
      kept: 'disabled',
      paused: 'disabled',
      foreign: 'not owned',
      absent: 'gone',
    });
    await client.get(coreResources.configMaps, { namespace, name: 'foreign' });
    expect((await prune([kept], 'someone-else')).skipped[0]?.why).toBe('not owned');
  });

  it('does not take an object for one of a namespace that its kind does not have', async () => {
    const role = { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'ClusterRole' };
    const object = { ...role, metadata: { name: namespace } };
    await apply([object]);
    const misplaced = { ...role, metadata: { name: namespace, namespace } };
    expect((await prune([misplaced])).skipped.map(({ why }) => why)).toEqual(['gone']);
    expect((await prune([object])).deleted).toHaveLength(1);
  });

  it('finds an object whose recorded version is no longer served', async () => {
    const object = deployment(namespace, 'old');
    await apply([object]);
    const old = { ...object, apiVersion: 'apps/v1beta1' };
    expect((await prune([old])).deleted.map((id) => id.name)).toEqual(['old']);
  });

  it('reports what it may not delete', async () => {
    const object = configMap(namespace, 'guarded');
    await apply([object]);
    const nobody = client.impersonate({ user: 'nobody' });
    const { failures } = await prune([object], namespace, nobody);
    expect(failures[0]?.error.message).toContain(
      `ConfigMap/${namespace}/guarded delete failed (Forbidden)`,
    );
  });
});
