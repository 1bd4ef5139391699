import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { AzureBlobStorage } from '../../../src/adapters/storage/azure-blob.ts';
import {
  type AzureLogin,
  anonymousLogin,
  sasLogin,
  sharedKeyLogin,
  tokenLogin,
} from '../../../src/adapters/storage/azure-login.ts';
import { isBucketMissing } from '../../../src/adapters/storage/object-storage.ts';
import { listed, type StorageServer, startStorageServer } from './storage-bed.ts';

let server: StorageServer;

beforeAll(async () => {
  server = await startStorageServer();
});

afterAll(() => server.close());

const host = 'https://account.blob.core.windows.net';
const version = { 'x-ms-version': '2021-12-02' };
const hex = (text: string) => Buffer.from(text).toString('hex');

const storageOf = (login: AzureLogin = anonymousLogin, endpoint = host) =>
  new AzureBlobStorage({ ...server.door, endpoint: new URL(endpoint), container: 'shop', login });

const blob = (name: string, etag: string) =>
  `<Blob>${name}<Properties><Etag>${etag}</Etag><Content-Length>7</Content-Length></Properties></Blob>`;
const page = (blobs: string[], next = '') =>
  `\uFEFF<?xml version="1.0" encoding="utf-8"?><EnumerationResults><Blobs>${blobs.join('')}</Blobs><NextMarker>${next}</NextMarker></EnumerationResults>`;

describe('a container of Azure', () => {
  test('is listed page by page', async () => {
    server.answer(
      { body: page([blob('<Name>a/b%20&amp;c</Name>', '0x8D1')], '2!76!x') },
      { body: page([blob('<Name Encoded="true">a%0Ab</Name>', '0x8D2')]) },
    );
    expect(await listed(storageOf(), 'a/')).toEqual([
      { key: 'a/b%20&c', etag: hex('0x8D1'), size: 7 },
      { key: 'a\nb', etag: hex('0x8D2'), size: 7 },
    ]);
    const start = `${host}/shop?comp=list&restype=container`;
    expect(server.asked()).toEqual([
      { url: `${start}&prefix=a%2F`, headers: version },
      { url: `${start}&marker=2%2176%21x&prefix=a%2F`, headers: version },
    ]);
  });

  test('gives a blob with the etag that the list would have', async () => {
    server.answer({ body: 'content', headers: { etag: '"0x8D1"' } });
    const object = { key: 'a b/ü', etag: 'old', size: 7 };
    const fetched = await storageOf().get(object, server.saveOptions());
    expect(fetched).toMatchObject({ content: Buffer.from('content'), etag: hex('0x8D1') });
    expect(server.asked()).toEqual([{ url: `${host}/shop/a%20b/%C3%BC`, headers: version }]);
  });

  test('may have lost a blob since', async () => {
    server.answer({ status: 404, headers: { 'x-ms-error-code': 'BlobNotFound' } });
    const object = { key: 'a', etag: 'e', size: 1 };
    expect(await storageOf().get(object, server.saveOptions())).toBeUndefined();
  });

  test('may not exist', async () => {
    server.answer({ status: 404, headers: { 'x-ms-error-code': 'ContainerNotFound' } });
    const failure = await listed(storageOf()).catch((error: unknown) => error);
    expect(isBucketMissing(failure)).toBe(true);
  });

  test('takes a token', async () => {
    server.answer({ body: page([]) });
    await listed(storageOf(tokenLogin(async () => 'token')));
    expect(server.asked()[0]?.headers).toEqual({ ...version, authorization: 'Bearer token' });
  });

  test('takes a shared access signature, which wins over what the endpoint says', async () => {
    server.answer({ body: page([]) });
    const signature = new URLSearchParams('sv=2022&sig=a%2Bb%3D&sp=rl');
    await listed(storageOf(sasLogin(signature), `${host}?sv=2020&x=y`));
    expect(server.asked()[0]?.url).toBe(
      `${host}/shop?sv=2022&x=y&comp=list&restype=container&sig=a%2Bb%3D&sp=rl`,
    );
  });

  test('takes the key of its account', async () => {
    server.answer({ body: page([]) });
    const key = Buffer.from('account-key').toString('base64');
    const { clock } = server.door;
    await listed(storageOf(sharedKeyLogin('account', key, clock)), 'A b');
    const date = 'Thu, 01 Jan 2026 00:00:00 GMT';
    // As the documentation writes it: the method, eleven empty headers, headers of x-ms-, and the resource.
    const text = `GET\n\n\n\n\n\n\n\n\n\n\n\nx-ms-date:${date}\nx-ms-version:2021-12-02\n/account/shop\ncomp:list\nprefix:A b\nrestype:container`;
    const signature = createHmac('sha256', 'account-key').update(text).digest('base64');
    expect(server.asked()[0]?.headers).toEqual({
      ...version,
      'x-ms-date': date,
      authorization: `SharedKey account:${signature}`,
    });
  });
});
