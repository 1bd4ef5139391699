import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isBucketMissing } from '../../../src/adapters/storage/object-storage.ts';
import { S3Storage } from '../../../src/adapters/storage/s3.ts';
import { s3Address } from '../../../src/adapters/storage/s3-address.ts';
import { listed, type StorageServer, startStorageServer } from './storage-bed.ts';

let server: StorageServer;

beforeAll(async () => {
  server = await startStorageServer();
});

afterAll(() => server.close());

const credentials = { accessKeyId: 'AKIA', secretAccessKey: 's', sessionToken: 'session' };

const storageOf = (o: { endpoint?: string; region?: string; isSigned?: boolean } = {}) =>
  new S3Storage({
    ...server.door,
    endpoint: o.endpoint ?? 's3.example.com',
    bucket: 'shop',
    insecure: false,
    ...(o.region !== undefined && { region: o.region }),
    ...(o.isSigned && { credentials }),
  });

function page(keys: string[], o: { next?: string; encoded?: boolean } = {}): string {
  const contents = keys.map(
    (key, at) =>
      `<Contents><Key>${key}</Key><ETag>&quot;e${at}&quot;</ETag><Size>${at}</Size></Contents>`,
  );
  const truncated = `<IsTruncated>${o.next !== undefined}</IsTruncated>`;
  const next =
    o.next === undefined ? '' : `<NextContinuationToken>${o.next}</NextContinuationToken>`;
  const encoding = o.encoded === false ? '' : '<EncodingType>url</EncodingType>';
  return `<?xml version="1.0"?><ListBucketResult>${encoding}${truncated}${next}${contents.join('')}</ListBucketResult>`;
}

describe('the address of a bucket', () => {
  test.each([
    { endpoint: 'minio.example.com:9000', base: 'https://minio.example.com:9000/shop' },
    {
      endpoint: 's3.amazonaws.com',
      given: { region: 'us-east-1' },
      base: 'https://shop.s3.amazonaws.com/',
    },
    {
      endpoint: 's3.amazonaws.com',
      given: { region: 'eu-west-1' },
      base: 'https://shop.s3.eu-west-1.amazonaws.com/',
      region: 'eu-west-1',
    },
    {
      endpoint: 's3.amazonaws.com',
      given: { region: 'cn-north-1' },
      base: 'https://shop.s3.cn-north-1.amazonaws.com.cn/',
      region: 'cn-north-1',
    },
    {
      endpoint: 's3.eu-west-1.amazonaws.com',
      base: 'https://shop.s3.eu-west-1.amazonaws.com/',
      region: 'eu-west-1',
    },
    {
      endpoint: 's3.amazonaws.com',
      given: { bucket: 'a.b' },
      base: 'https://s3.amazonaws.com/a.b',
    },
    {
      endpoint: 's3.amazonaws.com',
      given: { bucket: '../x?y#z' },
      base: 'https://s3.amazonaws.com/x%3Fy%23z',
    },
    { endpoint: 'storage.googleapis.com', base: 'https://shop.storage.googleapis.com/' },
    {
      endpoint: 'oss-cn-hangzhou.aliyuncs.com',
      base: 'https://shop.oss-cn-hangzhou.aliyuncs.com/',
    },
  ])('at $endpoint with $given is $base', ({ endpoint, given, base, region = 'us-east-1' }) => {
    const address = s3Address({ endpoint, bucket: 'shop', insecure: false, ...given });
    expect([address.base.href, address.region]).toEqual([base, region]);
  });
});

describe('a bucket of S3', () => {
  test('is listed page by page, with keys as they are', async () => {
    server.answer(
      { body: page(['a%2Fb+c', '%00%0A', '%C3%BC&amp;%26'], { next: 'to/ken+=' }) },
      { body: page(['%2B']) },
    );
    expect(await listed(storageOf(), 'a b/')).toEqual([
      { key: 'a/b c', etag: 'e0', size: 0 },
      { key: '\0\n', etag: 'e1', size: 1 },
      { key: 'ü&&', etag: 'e2', size: 2 },
      { key: '+', etag: 'e0', size: 0 },
    ]);
    const start = 'https://s3.example.com/shop?list-type=2&encoding-type=url&prefix=a%20b%2F';
    expect(server.asked()).toEqual([
      { url: start, headers: {} },
      { url: `${start}&continuation-token=to%2Fken%2B%3D`, headers: {} },
    ]);
  });

  test('that does not encode keys is listed, too', async () => {
    server.answer({ body: page(['a+b%20'], { encoded: false }) });
    expect((await listed(storageOf())).map(({ key }) => key)).toEqual(['a+b%20']);
  });

  test('gives an object with the etag that it has now', async () => {
    server.answer({ body: 'content', headers: { etag: '"new"' } });
    const object = { key: "a b/+ü'(1)//c", etag: 'old', size: 7 };
    const fetched = await storageOf({ isSigned: true }).get(object, server.saveOptions());
    expect(fetched).toMatchObject({ content: Buffer.from('content'), size: 7, etag: 'new' });
    const [asked] = server.asked();
    expect(asked?.url).toBe('https://s3.example.com/shop/a%20b/%2B%C3%BC%27%281%29//c');
    expect(asked?.headers).toEqual({
      authorization: expect.stringMatching(
        /^AWS4-HMAC-SHA256 Credential=AKIA\/20260101\/us-east-1\/s3\/aws4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date;x-amz-security-token, Signature=[0-9a-f]{64}$/,
      ),
      'x-amz-content-sha256': 'UNSIGNED-PAYLOAD',
      'x-amz-date': '20260101T000000Z',
      'x-amz-security-token': 'session',
    });
  });

  test('may have lost an object since', async () => {
    server.answer({ status: 404, body: '<Error><Code>NoSuchKey</Code></Error>' });
    const object = { key: 'a', etag: 'e', size: 1 };
    expect(await storageOf().get(object, server.saveOptions())).toBeUndefined();
  });

  test('says itself in which region it is', async () => {
    const wrong = {
      status: 400,
      headers: { 'x-amz-bucket-region': 'eu-north-1' },
      body: '<Error><Code>AuthorizationHeaderMalformed</Code></Error>',
    };
    server.answer(wrong, { body: page([]) }, { body: page([]) });
    const storage = storageOf({ endpoint: 's3.amazonaws.com', isSigned: true });
    await listed(storage);
    await listed(storage);
    expect(server.asked().map(({ url }) => new URL(url).host)).toEqual([
      'shop.s3.amazonaws.com',
      'shop.s3.eu-north-1.amazonaws.com',
      'shop.s3.eu-north-1.amazonaws.com',
    ]);
    expect(server.asked()[1]?.headers['authorization']).toContain('/eu-north-1/s3/');
  });

  test('is not followed to where it redirects', async () => {
    server.answer({ status: 307, headers: { location: 'https://elsewhere.example.com/' } });
    await expect(listed(storageOf({ isSigned: true }))).rejects.toThrow('status 307');
    expect(server.asked()).toHaveLength(1);
  });

  test.each([
    {
      name: 'a missing bucket',
      reply: { status: 404, body: '<Error><Code>NoSuchBucket</Code></Error>' },
      says: 's3.example.com answered with status 404: NoSuchBucket',
      missing: true,
    },
    {
      name: 'a refusal',
      reply: {
        status: 403,
        body: '<?xml version="1.0"?><Error><Code>AccessDenied</Code><Message>No\u202e</Message></Error>',
      },
      says: 'status 403: AccessDenied: No',
    },
    {
      name: 'a part of a list, without a way on',
      reply: { body: page(['a'], { next: '' }) },
      says: 'something that is no list of objects',
    },
    {
      name: 'a list of buckets',
      reply: { body: '<ListAllMyBucketsResult/>' },
      says: 'something that is no list of objects',
    },
    {
      name: 'what is no XML',
      reply: { body: '<html><p>' },
      says: 'something that is no list of objects',
    },
    {
      name: 'entities of its own',
      reply: {
        body: '<!DOCTYPE x [<!ENTITY a "aaaa">]><ListBucketResult><Contents><Key>&a;</Key></Contents></ListBucketResult>',
      },
      says: 'something that is no list of objects',
    },
    {
      name: 'elements without end',
      reply: { body: '<a>'.repeat(1000) },
      says: 'something that is no list of objects',
    },
    {
      name: 'a key that is no text',
      reply: { body: page(['%FF']) },
      says: 'a key that is no UTF-8: "%FF"',
    },
  ])('that answers with $name is an error', async ({ reply, says, missing = false }) => {
    server.answer(reply);
    const failure = await listed(storageOf()).catch((error: unknown) => error);
    expect(String(failure)).toContain(says);
    expect(isBucketMissing(failure)).toBe(missing);
  });
});
