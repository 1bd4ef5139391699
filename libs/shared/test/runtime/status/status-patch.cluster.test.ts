import { type GitRepository, gitRepositoryKind } from '@sluice/shared/api';
import { systemClock } from '@sluice/shared/base';
import { type KubeClient, resourceOf } from '@sluice/shared/kube';
import { testCluster, testNamespace } from '@sluice/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { createStatusDraft, ObjectGoneError } from '../../../src/runtime/status/status-patch.ts';

const resource = resourceOf(gitRepositoryKind);
let client: KubeClient;
let namespace: string;

beforeAll(async () => {
  ({ client } = await testCluster());
  namespace = await testNamespace(client, 'status');
});

function create(name: string): Promise<GitRepository> {
  return client.create<GitRepository>(resource, {
    apiVersion: 'source.toolkit.fluxcd.io/v1',
    kind: 'GitRepository',
    metadata: { name, namespace },
    spec: { url: 'https://localhost/app', interval: '10m' },
  });
}

const read = (name: string) => client.get<GitRepository>(resource, { namespace, name });

function draftOf(object: GitRepository) {
  return createStatusDraft({
    object,
    kind: gitRepositoryKind,
    client,
    clock: systemClock,
    controllerName: 'source-controller',
  });
}

describe('the status of an object', () => {
  it('keeps the conditions of all writers that started from the same state', async () => {
    const object = await create('writers');
    const types = ['A', 'B', 'C', 'D'];
    await Promise.all(
      types.map(async (type) => {
        const draft = draftOf(object);
        draft.setCondition({ type, status: 'True', reason: 'Test', message: type });
        await draft.patch();
      }),
    );
    const conditions = (await read('writers')).status?.conditions ?? [];
    expect(conditions.map((c) => c.type).sort()).toEqual(types);
  });

  it('keeps what another writer changed between two writes of ours', async () => {
    const object = await create('foreign');
    const draft = draftOf(object);
    draft.reconciling('Progressing', 'working');
    await draft.patch();
    const key = { namespace, name: 'foreign' };
    const theirs = { status: { lastHandledReconcileAt: 'theirs' } };
    await client.patch(resource, key, theirs, { type: 'merge', subresource: 'status' });
    await client.patch(resource, key, { metadata: { labels: { a: 'b' } } }, { type: 'merge' });
    draft.ready('Succeeded', 'fine');
    await draft.patch();
    const current = await read('foreign');
    expect(current.status).toMatchObject({
      lastHandledReconcileAt: 'theirs',
      observedGeneration: 1,
    });
    expect(current.status?.conditions).toMatchObject([{ type: 'Ready', status: 'True' }]);
    expect(current.metadata.labels).toEqual({ a: 'b' });
  });

  it('is owned by the field manager of the controller', async () => {
    const draft = draftOf(await create('owned'));
    draft.ready('Succeeded', 'fine');
    await draft.patch();
    const managers = (await read('owned')).metadata.managedFields;
    const manager = managers?.find((m) => m.subresource === 'status')?.manager;
    expect(manager).toBe('gotk-source-controller');
  });

  it('is not written to another object of the same name', async () => {
    const draft = draftOf(await create('replaced'));
    await client.delete(resource, { namespace, name: 'replaced' });
    await create('replaced');
    draft.ready('Succeeded', 'fine');
    await expect(draft.patch()).rejects.toThrow(ObjectGoneError);
    expect((await read('replaced')).status?.conditions).toBeUndefined();
  });
});
