import { type GitRepository, gitRepositoryKind } from '@sluice/shared/api';
import { beforeEach, describe, expect, it } from 'vitest';
import { addFinalizer, removeFinalizer } from '../../src/runtime/finalizer.ts';
import { apiError, FakeApi } from './fake-api.ts';

const plural = 'gitrepositories';
const ours = 'finalizers.fluxcd.io';
let api: FakeApi;

function put(metadata: object = {}): GitRepository {
  return api.put<GitRepository>(plural, {
    apiVersion: 'source.toolkit.fluxcd.io/v1',
    kind: 'GitRepository',
    metadata: { name: 'app', namespace: 'ns', ...metadata },
    spec: { url: 'http://localhost/app', interval: '1m' },
  });
}

const options = (object: GitRepository) => ({
  client: api.client,
  kind: gitRepositoryKind,
  object,
  finalizer: ours,
  controllerName: 'source-controller',
});

beforeEach(() => {
  api = new FakeApi();
});

describe('addFinalizer', () => {
  it('keeps the finalizers of others, those put there meanwhile included', async () => {
    const stale = put({ finalizers: ['a'] });
    put({ finalizers: ['a', 'b'] });
    const held = await addFinalizer(options(stale));
    expect(held?.metadata.finalizers).toEqual(['a', 'b', ours]);
  });

  it('writes nothing when it is there', async () => {
    await addFinalizer(options(put({ finalizers: [ours] })));
    expect(api.requests).toEqual([]);
  });

  it('writes nothing to an object being deleted, known or found out', async () => {
    await addFinalizer(options(put({ deletionTimestamp: 'x' })));
    const stale = put();
    put({ deletionTimestamp: 'x' });
    const object = await addFinalizer(options(stale));
    expect(object?.metadata.finalizers).toBeUndefined();
  });

  it('leaves another object of the same name alone', async () => {
    const stale = put();
    put({ uid: 'other' });
    expect(await addFinalizer(options(stale))).toBeUndefined();
    expect(api.read(plural, 'ns/app').metadata.finalizers).toBeUndefined();
  });
});

describe('removeFinalizer', () => {
  it('keeps the finalizers of others', async () => {
    const stale = put({ finalizers: ['a', ours] });
    put({ finalizers: ['a', ours, 'b'] });
    expect((await removeFinalizer(options(stale)))?.metadata.finalizers).toEqual(['a', 'b']);
  });

  it('is done when the object is gone', async () => {
    const object = put({ finalizers: [ours] });
    api.objects.clear();
    expect(await removeFinalizer(options(object))).toBeUndefined();
  });

  it('gives up after five conflicts', async () => {
    const object = put({ finalizers: [ours] });
    api.before = ({ verb }) => {
      if (verb === 'patch') put({ finalizers: [ours] });
    };
    await expect(removeFinalizer(options(object))).rejects.toMatchObject({ status: 409 });
    expect(api.writes()).toHaveLength(5);
  });

  it('passes on what else the API server answers', async () => {
    const object = put({ finalizers: [ours] });
    api.before = () => {
      throw apiError(403, 'Forbidden');
    };
    await expect(removeFinalizer(options(object))).rejects.toMatchObject({ status: 403 });
  });
});
