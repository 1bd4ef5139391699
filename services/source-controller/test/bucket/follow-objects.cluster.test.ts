import { type Bucket, bucketKind } from '@sluice/shared/api';
import { resourceOf } from '@sluice/shared/kube';
import { type ObjectStore, startObjectStore } from '@sluice/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { revisionOf } from '../../src/bucket/revision.ts';
import { conditionOf, filesOf, type SourceBed, startSourceBed } from '../source-bed.ts';

let bed: SourceBed;
let store: ObjectStore;

beforeAll(async () => {
  [bed, store] = await Promise.all([startSourceBed(), startObjectStore('eu-west-1')]);
  await bed.createSecret('keys', { accesskey: store.accessKey, secretkey: store.secretKey });
});

afterAll(async () => {
  const log = JSON.stringify(await bed?.process.log());
  await Promise.all([bed?.stop(), store?.stop()]);
  expect(log).not.toContain(store.secretKey);
});

async function bucketOf(name: string, files: Record<string, string>): Promise<void> {
  await store.makeBucket(name);
  for (const [key, content] of Object.entries(files)) await store.put(name, key, content);
}

const create = (name: string, spec: Partial<Bucket['spec']> = {}) =>
  bed.createBucket(name, {
    bucketName: name,
    endpoint: store.endpoint,
    region: store.region,
    insecure: true,
    secretRef: { name: 'keys' },
    ...spec,
  });

describe('a Bucket', () => {
  test('follows its objects', async () => {
    const files = { 'a.yaml': 'a: 1\n', 'apps/b c+ü.yaml': 'b: 1\n', 'logo.png': 'png' };
    await bucketOf('follows', files);
    const object = await bed.ready(await create('follows'));
    expect(await filesOf(object.status?.artifact)).toEqual(files);
    const revision = object.status?.artifact?.revision ?? '';
    expect(revision).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(object.status?.artifact?.path).toBe(
      `bucket/${bed.namespace}/follows/${revision.slice('sha256:'.length)}.tar.gz`,
    );
    expect(object.status?.url).toContain(`/bucket/${bed.namespace}/follows/latest.tar.gz`);
    expect(conditionOf(object, 'Ready')).toMatchObject({
      reason: 'Succeeded',
      message: `stored artifact for revision '${revision}'`,
    });

    await store.put('follows', 'a.yaml', 'a: 2\n');
    await store.remove('follows', 'logo.png');
    const changed = await bed.request(object);
    expect(changed.status?.artifact?.revision).not.toBe(revision);
    expect(await filesOf(changed.status?.artifact)).toEqual({
      'a.yaml': 'a: 2\n',
      'apps/b c+ü.yaml': 'b: 1\n',
    });
  });

  test('keeps its artifact while nothing changes, and makes it anew when it is gone', async () => {
    await bucketOf('keeps', { a: '1' });
    const object = await bed.ready(await create('keeps'));
    const same = await bed.request(object);
    expect(same.status?.artifact).toEqual(object.status?.artifact);
    // Another etag, and so another revision, of the same content: the archive is the same.
    await store.put('keeps', 'b', '2');
    await store.remove('keeps', 'b');
    const again = await bed.request(object);
    expect(again.status?.artifact?.digest).toBe(object.status?.artifact?.digest);
  });

  test('may be empty', async () => {
    await bucketOf('is-empty', {});
    const object = await bed.ready(await create('is-empty'));
    expect(object.status?.artifact?.revision).toBe(await revisionOf([], 'sha256'));
  });

  test('takes objects of a prefix, without those that are ignored', async () => {
    await bucketOf('selects', {
      '.sourceignore': '*.md\n',
      'apps/a.yaml': 'a',
      'apps/README.md': 'text',
      'apps/secret.txt': 'text',
      'other/b.yaml': 'b',
    });
    const spec = { prefix: 'apps/', ignore: '*.txt' };
    const object = await bed.ready(await create('selects', spec));
    expect(await filesOf(object.status?.artifact)).toEqual({ 'apps/a.yaml': 'a' });
    expect(object.status?.observedIgnore).toBe('*.txt');

    await bed.patchSpec(object, { ignore: null, prefix: null });
    const all = await bed.until(object, (o) => o.status?.observedIgnore === undefined);
    expect(Object.keys(await filesOf(all.status?.artifact)).sort()).toEqual([
      'apps/a.yaml',
      'apps/secret.txt',
      'other/b.yaml',
    ]);
  });

  test('is fetched by several connections, to the disk when it does not fit into memory', async () => {
    const files: Record<string, string> = { large: 'x'.repeat(6 * 1024 * 1024), empty: '' };
    for (let at = 0; at < 40; at++) files[`d${at % 7}/${at}.yaml`] = `n: ${at}\n`;
    await bucketOf('many', files);
    const object = await bed.ready(await create('many'));
    expect(await filesOf(object.status?.artifact)).toEqual(files);
  });

  test('is suspended, and resumed', async () => {
    await bucketOf('rests', { a: '1' });
    const object = await bed.ready(await create('rests'));
    await bed.patchSpec(object, { suspend: true });
    await store.put('rests', 'a', '2');
    await bed.patchSpec(object, { suspend: false });
    const resumed = await bed.until(
      object,
      (o) => o.status?.artifact?.revision !== object.status?.artifact?.revision,
    );
    expect(await filesOf(resumed.status?.artifact)).toEqual({ a: '2' });
  });

  test('goes with its artifacts', async () => {
    await bucketOf('goes', { a: '1' });
    const object = await bed.ready(await create('goes'));
    await bed.client.delete(resourceOf(bucketKind), object.metadata);
    await bed.gone(object);
    await expect(filesOf(object.status?.artifact)).rejects.toThrow('404');
  });
});

describe('a Bucket that cannot be fetched', () => {
  test('says which bucket does not exist, and recovers', async () => {
    const object = await bed.failed(await create('later'), 'BucketOperationFailed');
    expect(conditionOf(object, 'Ready')?.message).toBe("bucket 'later' does not exist");
    expect(conditionOf(object, 'FetchFailed')?.status).toBe('True');
    await bucketOf('later', { a: '1' });
    await bed.ready(object);
  });

  test('says why the storage refuses', async () => {
    await bucketOf('closed', { a: '1' });
    await bed.createSecret('wrong', { accesskey: store.accessKey, secretkey: 'wrong-canary' });
    const object = await bed.failed(
      await create('closed', { secretRef: { name: 'wrong' } }),
      'BucketOperationFailed',
    );
    const { message } = conditionOf(object, 'Ready') ?? {};
    expect(message).toContain('SignatureDoesNotMatch');
    expect(message).not.toContain('wrong-canary');
  });

  test.each([
    {
      name: 'no-secret',
      spec: { secretRef: { name: 'nowhere' } },
      reason: 'AuthenticationFailed',
      says: "/nowhere' named by spec.secretRef: it does not exist",
    },
    {
      name: 'no-keys',
      spec: { secretRef: { name: 'half' } },
      reason: 'AuthenticationFailed',
      says: 'must hold accesskey and secretkey',
    },
    {
      name: 'an-address',
      spec: { endpoint: 'https://s3.amazonaws.com' },
      reason: 'URLInvalid',
      says: 'neither scheme nor path',
    },
    {
      name: 'no-name',
      spec: { bucketName: '' },
      reason: 'URLInvalid',
      says: 'spec.bucketName must not be empty',
    },
    {
      name: 'a-path',
      spec: { endpoint: 's3.amazonaws.com/x' },
      reason: 'URLInvalid',
      says: 'neither scheme nor path',
    },
    {
      name: 'no-account',
      spec: { provider: 'azure' as const, endpoint: 'account.blob.core.windows.net' },
      reason: 'URLInvalid',
      says: 'the address of a storage account',
    },
    {
      name: 'plain-account',
      spec: {
        provider: 'azure' as const,
        endpoint: 'http://a.blob.core.windows.net',
        insecure: false,
      },
      reason: 'URLInvalid',
      says: 'spec.insecure does not allow',
    },
    {
      name: 'identity-elsewhere',
      spec: {
        provider: 'gcp' as const,
        secretRef: undefined,
        endpoint: 'storage.example.com',
        insecure: false,
      },
      reason: 'URLInvalid',
      says: 'of googleapis.com to log in there with an identity',
    },
    {
      name: 'no-gate',
      spec: { provider: 'aws' as const, secretRef: undefined, serviceAccountName: 'me' },
      reason: 'FeatureGateDisabled',
      says: 'ObjectLevelWorkloadIdentity',
    },
    {
      name: 'metadata',
      spec: { endpoint: '169.254.169.254' },
      reason: 'BucketOperationFailed',
      says: 'spec.endpoint leads to a refused address',
    },
  ])('says so: $name', async ({ name, spec, reason, says }) => {
    if (name === 'no-keys') await bed.createSecret('half', { accesskey: 'x' });
    const object = await bed.failed(await create(name, spec), reason);
    expect(conditionOf(object, 'Ready')?.message).toContain(says);
  });
});
