import { receiveWebhooks, type WebhookReceiver } from '@sluice/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { revisionOf } from '../../src/bucket/revision.ts';
import { conditionOf, filesOf, type SourceBed, startSourceBed } from '../source-bed.ts';

const maxBytes = 1024 * 1024;

let bed: SourceBed;
let server: WebhookReceiver;

/** An object: its key as lists write it, with a size that may be wrong. */
interface Listed {
  key: string;
  size?: number;
  content?: string;
  isGone?: boolean;
}

/** What the server lists and holds. */
const buckets: Record<string, Listed[]> = {};

beforeAll(async () => {
  [bed, server] = await Promise.all([
    startSourceBed({ extraArgs: [`--artifact-max-size=${maxBytes}`] }),
    receiveWebhooks(),
  ]);
  server.respond(({ path }) => {
    const [, bucket = '', ...rest] = path.split('?')[0]?.split('/') ?? [];
    const objects = buckets[bucket] ?? [];
    if (bucket === 'endless') return { status: 200, body: endlessPage };
    if (rest.length === 0) return { status: 200, body: pageOf(objects) };
    const found = objects.find(({ key }) => key === rest.join('/'));
    return found === undefined || found.isGone
      ? { status: 404, body: '<Error><Code>NoSuchKey</Code></Error>' }
      : { status: 200, headers: { etag: '"e"' }, body: found.content ?? '' };
  });
});

afterAll(() => Promise.all([bed?.stop(), server?.close()]));

function pageOf(objects: Listed[]): string {
  const contents = objects.map(
    ({ key, size, content = '' }) =>
      `<Contents><Key>${key}</Key><ETag>"e"</ETag><Size>${size ?? content.length}</Size></Contents>`,
  );
  return `<ListBucketResult><EncodingType>url</EncodingType>${contents.join('')}</ListBucketResult>`;
}

const endlessPage = pageOf(Array.from({ length: 10_000 }, (_, at) => ({ key: `k${at}` }))).replace(
  '<EncodingType>',
  '<IsTruncated>true</IsTruncated><NextContinuationToken>on</NextContinuationToken><EncodingType>',
);

function create(name: string, objects: Listed[], ignore?: string) {
  buckets[name] = objects;
  const endpoint = new URL(server.url).host;
  return bed.createBucket(name, {
    bucketName: name,
    endpoint,
    insecure: true,
    ...(ignore !== undefined && { ignore }),
  });
}

describe('hostile objects', () => {
  test.each([
    { name: 'above', key: '..%2Fetc%2Fpasswd', says: '"../etc/passwd"' },
    { name: 'far-above', key: 'a%2F..%2F..%2F..%2Froot', says: '"a/../../../root"' },
    { name: 'nul', key: 'a%00b', says: String.raw`"a\u0000b" has a control character` },
    { name: 'escape', key: '%1B%5B2J', says: String.raw`"\u001b[2J" has a control character` },
    { name: 'backslash', key: '..%5C..%5Cx', says: String.raw`"..\\..\\x"` },
    { name: 'long', key: 'n'.repeat(300), says: 'is longer than a path may be' },
  ])('with a key that leads elsewhere are refused by name: $name', async ({ name, key, says }) => {
    const object = await create(name, [
      { key, content: 'x' },
      { key: 'good', content: 'g' },
    ]);
    const failed = await bed.failed(object, 'BucketOperationFailed');
    expect(conditionOf(failed, 'Ready')?.message).toContain(says);
    // Nothing was fetched for it.
    const paths = server.requests.map(({ path }) => path);
    expect(paths.filter((path) => path.startsWith(`/${name}/`))).toEqual([]);
  });

  test('may be left out', async () => {
    const objects = [
      { key: 'a%2F..%2F..%2Fb', content: 'x' },
      { key: 'good', content: 'g' },
    ];
    const object = await bed.ready(await create('left-out', objects, '/a'));
    expect(await filesOf(object.status?.artifact)).toEqual({ good: 'g' });
  });

  test('of one path are refused', async () => {
    const objects = [
      { key: 'a', content: 'x' },
      { key: 'a%2Fb', content: 'y' },
    ];
    const failed = await bed.failed(await create('both', objects), 'BucketOperationFailed');
    expect(conditionOf(failed, 'Ready')?.message).toContain('"a" is a file, and a folder');
  });

  test('that differ only in case are two files', async () => {
    const objects = [
      { key: 'Readme', content: '1' },
      { key: 'README', content: '2' },
    ];
    const object = await bed.ready(await create('case', objects));
    expect(await filesOf(object.status?.artifact)).toEqual({ README: '2', Readme: '1' });
  });

  test('that are too large together are not fetched', async () => {
    const object = await create('large', [
      { key: 'a', size: maxBytes },
      { key: 'b', size: 1 },
    ]);
    const failed = await bed.failed(object, 'BucketOperationFailed');
    expect(conditionOf(failed, 'Ready')?.message).toContain('the limit of --artifact-max-size');
    expect(server.requests.some(({ path }) => path === '/large/a')).toBe(false);
  });

  test('that are larger than they were listed are not taken beyond the limit', async () => {
    const content = 'x'.repeat(maxBytes);
    const object = await create('lies', [{ key: 'a', size: 1, content }]);
    const failed = await bed.failed(object, 'BucketOperationFailed');
    expect(conditionOf(failed, 'Ready')?.message).toMatch(/answer is over \d+ bytes/);
  });

  test('of a list without end are refused', async () => {
    const failed = await bed.failed(await create('endless', []), 'BucketOperationFailed');
    expect(conditionOf(failed, 'Ready')?.message).toContain('narrow them with spec.prefix');
  });

  test('that are gone when they are fetched are left out', async () => {
    const object = await bed.ready(
      await create('gone', [
        { key: 'a', content: '1' },
        { key: 'b', content: '2', isGone: true },
      ]),
    );
    expect(await filesOf(object.status?.artifact)).toEqual({ a: '1' });
    expect(object.status?.artifact?.revision).toBe(
      await revisionOf([{ key: 'a', etag: 'e' }], 'sha256'),
    );
  });
});
