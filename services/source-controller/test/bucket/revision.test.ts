import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { isRevisionOf, revisionOf } from '../../src/bucket/revision.ts';

const objects = [
  { key: 'b.yaml', etag: '2' },
  { key: '\u{10000}', etag: '4' },
  { key: '\uffff', etag: '3' },
  { key: 'a/b', etag: '1' },
];
/** As Flux sorts them: by their bytes, where UTF-16 has another order. */
const lines = 'a/b 1\nb.yaml 2\n\uffff 3\n\u{10000} 4\n';

test.each(['sha256', 'sha512'] as const)(
  'the revision is the %s of keys and etags',
  async (algorithm) => {
    const digest = createHash(algorithm).update(lines).digest('hex');
    expect(await revisionOf(objects, algorithm)).toBe(`${algorithm}:${digest}`);
    expect(await isRevisionOf(`${algorithm}:${digest}`, objects)).toBe(true);
    expect(await isRevisionOf(`${algorithm}:${digest}`, objects.slice(1))).toBe(false);
  },
);

test('the revision of an empty bucket is that of nothing', async () => {
  expect(await revisionOf([], 'sha256')).toBe(
    'sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  );
});

test('what is no revision of a Bucket is none', async () => {
  for (const revision of ['', 'main@sha1:x', 'md5:x']) {
    expect(await isRevisionOf(revision, objects)).toBe(false);
  }
});
