import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { GoogleStorage } from '../../../src/adapters/storage/google-storage.ts';
import { isBucketMissing } from '../../../src/adapters/storage/object-storage.ts';
import { listed, type StorageServer, startStorageServer } from './storage-bed.ts';

let server: StorageServer;

beforeAll(async () => {
  server = await startStorageServer();
});

afterAll(() => server.close());

const objects = 'https://storage.googleapis.com/storage/v1/b/shop/o';
const headers = { authorization: 'Bearer token' };

const storageOf = () =>
  new GoogleStorage({
    ...server.door,
    endpoint: new URL('https://storage.googleapis.com'),
    bucket: 'shop',
    token: async () => 'token',
  });

const kind = 'storage#objects';
const item = { name: 'a/b ü', etag: 'CJ=', size: '7', generation: '12' };
const object = { key: 'a/b ü', etag: 'CJ=', size: 7, version: '12' };

describe('a bucket of Google', () => {
  test('is listed page by page', async () => {
    server.answer(
      { body: JSON.stringify({ kind, items: [item], nextPageToken: 'n+' }) },
      { body: JSON.stringify({ kind }) },
    );
    expect(await listed(storageOf(), 'a/')).toEqual([object]);
    const start = `${objects}?fields=kind%2Citems%28name%2Cetag%2Csize%2Cgeneration%29%2CnextPageToken`;
    expect(server.asked()).toEqual([
      { url: `${start}&prefix=a%2F`, headers },
      { url: `${start}&pageToken=n%2B&prefix=a%2F`, headers },
    ]);
  });

  test('gives the very content that was listed', async () => {
    server.answer({ body: 'content' });
    const fetched = await storageOf().get(object, server.saveOptions());
    expect(fetched).toMatchObject({ content: Buffer.from('content'), etag: 'CJ=' });
    expect(server.asked()).toEqual([
      { url: `${objects}/a%2Fb%20%C3%BC?alt=media&generation=12`, headers },
    ]);
  });

  test('gives the content that an object has now, when it was replaced', async () => {
    server.answer(
      { status: 404 },
      { body: JSON.stringify({ ...item, etag: 'new', generation: '13' }) },
      { body: 'content' },
    );
    const fetched = await storageOf().get(object, server.saveOptions());
    expect(fetched).toMatchObject({ etag: 'new' });
    expect(server.asked().at(-1)?.url).toContain('generation=13');
  });

  test('may have lost an object since', async () => {
    server.answer({ status: 404 }, { status: 404 });
    expect(await storageOf().get(object, server.saveOptions())).toBeUndefined();
  });

  test('may not exist, or refuse', async () => {
    server.answer({ status: 404 });
    const missing = await listed(storageOf()).catch((error: unknown) => error);
    expect(isBucketMissing(missing)).toBe(true);
    server.answer({ body: '{}' });
    await expect(listed(storageOf())).rejects.toThrow('no list of objects');
    server.answer({ status: 403, body: '{"error":{"message":"no storage.objects.list access"}}' });
    await expect(listed(storageOf())).rejects.toThrow(
      'storage.googleapis.com answered with status 403: no storage.objects.list access',
    );
  });
});
