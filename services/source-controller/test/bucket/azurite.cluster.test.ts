import type { Bucket } from '@sluice/shared/api';
import { type AzureStore, azuriteIsMissing, startAzureStore } from '@sluice/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { conditionOf, filesOf, type SourceBed, startSourceBed } from '../source-bed.ts';

const missing = azuriteIsMissing();
if (missing) console.warn(`the tests against Azurite are skipped: ${missing}`);

/** Names that addresses, signatures and XML each write in another way. */
const files = {
  'a.yaml': 'a: 1\n',
  'apps/b c+ü%41&.yaml': 'b: 1\n',
  "apps/it's (1).yaml": 'c: 1\n',
};

describe.skipIf(missing)('a Bucket of a real storage account of Azure', () => {
  let bed: SourceBed;
  let store: AzureStore;

  beforeAll(async () => {
    [bed, store] = await Promise.all([startSourceBed(), startAzureStore()]);
    await bed.createSecret('account', { accountKey: store.accountKey });
    const other = Buffer.from('canary-other-key').toString('base64');
    await bed.createSecret('other', { accountKey: other });
  });

  afterAll(async () => {
    const log = JSON.stringify(await bed?.process.log());
    await Promise.all([bed?.stop(), store?.stop()]);
    expect(log).not.toContain(store.accountKey);
  });

  const create = (name: string, spec: Partial<Bucket['spec']>) =>
    bed.createBucket(name, {
      provider: 'azure',
      bucketName: name,
      endpoint: store.endpoint,
      insecure: true,
      ...spec,
    });

  async function containerOf(name: string, o: { public?: boolean } = {}): Promise<void> {
    await store.makeContainer(name, o);
    for (const [path, content] of Object.entries(files)) await store.put(name, path, content);
  }

  test('is read with the key of the account, and follows its objects', async () => {
    await containerOf('with-key');
    const object = await bed.ready(await create('with-key', { secretRef: { name: 'account' } }));
    expect(await filesOf(object.status?.artifact)).toEqual(files);
    const same = await bed.request(object);
    expect(same.status?.artifact).toEqual(object.status?.artifact);
    await store.put('with-key', 'a.yaml', 'a: 2\n');
    await store.remove('with-key', "apps/it's (1).yaml");
    const changed = await bed.request(object);
    const { "apps/it's (1).yaml": _, ...left } = files;
    expect(await filesOf(changed.status?.artifact)).toEqual({ ...left, 'a.yaml': 'a: 2\n' });
  });

  test('is read with a shared access signature', async () => {
    await containerOf('with-sas');
    await bed.createSecret('sas', { sasKey: store.signatureFor('with-sas') });
    const object = await bed.ready(await create('with-sas', { secretRef: { name: 'sas' } }));
    expect(await filesOf(object.status?.artifact)).toEqual(files);
  });

  test('is read without a login where anybody may', async () => {
    await containerOf('for-all', { public: true });
    const object = await bed.ready(await create('for-all', {}));
    expect(await filesOf(object.status?.artifact)).toEqual(files);
  });

  test('takes objects of a prefix', async () => {
    await containerOf('prefixed');
    const spec = { secretRef: { name: 'account' }, prefix: 'apps/' };
    const object = await bed.ready(await create('prefixed', spec));
    expect(Object.keys(await filesOf(object.status?.artifact)).sort()).toEqual(
      Object.keys(files).filter((path) => path.startsWith('apps/')),
    );
  });

  test('says that it does not exist, and is ready once it does', async () => {
    const object = await create('later', { secretRef: { name: 'account' } });
    const failed = await bed.failed(object, 'BucketOperationFailed');
    expect(conditionOf(failed, 'Ready')?.message).toBe("bucket 'later' does not exist");
    await containerOf('later');
    await bed.ready(object);
  });

  test.each<{ name: string; secret?: Record<string, string> }>([
    { name: 'other-key' },
    { name: 'other-sas', secret: {} },
    { name: 'no-login', secret: {} },
  ])('says that it was refused: $name', async ({ name }) => {
    await containerOf(name);
    if (name === 'other-sas') {
      await bed.createSecret('ended', {
        sasKey: store.signatureFor(name, new Date('2020-01-01T00:00:00Z')),
      });
    }
    const secretRef = { 'other-key': { name: 'other' }, 'other-sas': { name: 'ended' } }[name];
    const object = await create(name, secretRef === undefined ? {} : { secretRef });
    const failed = await bed.failed(object, 'BucketOperationFailed');
    expect(conditionOf(failed, 'Ready')?.message).toMatch(
      /status 40[34]|Authori|Authenticat|does not exist/,
    );
    expect(failed.status?.artifact).toBeUndefined();
  });
});
