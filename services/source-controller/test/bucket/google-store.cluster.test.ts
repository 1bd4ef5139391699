import type { Bucket } from '@sluice/shared/api';
import { type GoogleStore, googleStoreIsMissing, startGoogleStore } from '@sluice/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { conditionOf, filesOf, type SourceBed, startSourceBed } from '../source-bed.ts';

const missing = googleStoreIsMissing();
if (missing) console.warn(`the tests against fake-gcs-server are skipped: ${missing}`);

const files = { 'a.yaml': 'a: 1\n', 'apps/b c+ü%41&.yaml': 'b: 1\n', "apps/it's.yaml": 'c: 1\n' };

describe.skipIf(missing)('a Bucket of a server that speaks the JSON API of Google', () => {
  let bed: SourceBed;
  let store: GoogleStore;

  beforeAll(async () => {
    [bed, store] = await Promise.all([startSourceBed(), startGoogleStore()]);
    await bed.createSecret('google', { serviceaccount: store.serviceAccount });
  });

  afterAll(async () => {
    await Promise.all([bed?.stop(), store?.stop()]);
  });

  const create = (name: string, spec: Partial<Bucket['spec']> = {}) =>
    bed.createBucket(name, {
      provider: 'gcp',
      bucketName: name,
      endpoint: store.endpoint,
      insecure: true,
      secretRef: { name: 'google' },
      ...spec,
    });

  async function bucketOf(name: string): Promise<void> {
    await store.makeBucket(name);
    for (const [path, content] of Object.entries(files)) await store.put(name, path, content);
  }

  test('is read with the key of a service account, and follows its objects', async () => {
    await bucketOf('followed');
    const object = await bed.ready(await create('followed'));
    expect(await filesOf(object.status?.artifact)).toEqual(files);
    const same = await bed.request(object);
    expect(same.status?.artifact).toEqual(object.status?.artifact);
    await store.put('followed', 'a.yaml', 'a: 2\n');
    await store.remove('followed', "apps/it's.yaml");
    const changed = await bed.request(object);
    const { "apps/it's.yaml": _, ...left } = files;
    expect(await filesOf(changed.status?.artifact)).toEqual({ ...left, 'a.yaml': 'a: 2\n' });
  });

  test('takes objects of a prefix', async () => {
    await bucketOf('prefixed');
    const object = await bed.ready(await create('prefixed', { prefix: 'apps/' }));
    expect(Object.keys(await filesOf(object.status?.artifact)).sort()).toEqual(
      Object.keys(files).filter((path) => path.startsWith('apps/')),
    );
  });

  test('says that it does not exist, and is ready once it does', async () => {
    const object = await create('later');
    const failed = await bed.failed(object, 'BucketOperationFailed');
    expect(conditionOf(failed, 'Ready')?.message).toBe("bucket 'later' does not exist");
    await bucketOf('later');
    await bed.ready(object);
  });
});
