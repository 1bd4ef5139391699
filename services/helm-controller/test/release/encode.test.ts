import { randomBytes } from 'node:crypto';
import { gunzipSync, gzipSync } from 'node:zlib';
import { StalledError, sha256Hex } from '@sluice/shared/base';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  assertStorable,
  decodeRelease,
  encodeRelease,
  ReleaseDecodeError,
} from '../../src/release/encode.ts';
import type { Release } from '../../src/release/release.ts';
import { aRelease } from './releases.ts';

function packed(value: unknown): string {
  return gzipSync(JSON.stringify(value)).toString('base64');
}

/** A release whose record no compression makes smaller than so many bytes of a Secret. */
function ofSize(bytes: number): Release {
  return aRelease({ manifest: randomBytes(Math.ceil((bytes * 3) / 4)).toString('base64') });
}

test('a record is gzip of JSON in the order of Helm, without labels', async () => {
  const release = aRelease({ labels: { team: 'x' }, apply_method: 'ssa' });
  const json = gunzipSync(Buffer.from(await encodeRelease(release), 'base64')).toString();
  expect(Object.keys(JSON.parse(json))).toEqual([
    'name',
    'info',
    'chart',
    'config',
    'manifest',
    'version',
    'namespace',
    'apply_method',
  ]);
});

test('what is empty is left out, as by Helm', async () => {
  const release = aRelease({ config: {}, manifest: '', hooks: [] });
  const json = gunzipSync(Buffer.from(await encodeRelease(release), 'base64')).toString();
  expect(Object.keys(JSON.parse(json))).toEqual(['name', 'info', 'chart', 'version', 'namespace']);
});

test('whatever is encoded is decoded to the same', async () => {
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: 'binary' }), fc.jsonValue(), async (manifest, value) => {
      const release = aRelease({ manifest, config: { value: JSON.parse(JSON.stringify(value)) } });
      expect(await decodeRelease(await encodeRelease(release))).toEqual(release);
    }),
    { numRuns: 25 },
  );
});

test('a record of an old Helm, which did not compress, is decoded', async () => {
  const text = Buffer.from(JSON.stringify(aRelease())).toString('base64');
  expect(await decodeRelease(text)).toMatchObject({ name: 'web', version: 1 });
});

test('times that are zero or empty are absent after decoding', async () => {
  const last_run = { started_at: '', completed_at: '0001-01-01T00:00:00Z', phase: '' };
  const hooks = [{ name: 'h', kind: 'Job', path: 'p', manifest: '', events: ['test'], last_run }];
  const info = { status: 'deployed', deleted: '', first_deployed: '0001-01-01T00:00:00Z' };
  const release = await decodeRelease(packed({ ...aRelease(), info, hooks }));
  expect(release.info).toEqual({ status: 'deployed' });
  expect(release.hooks?.[0]?.last_run).toEqual({ phase: '' });
});

describe('what is no release is refused without its content', () => {
  test.each([
    { name: 'empty', text: '', message: 'it is no JSON' },
    { name: 'no JSON', text: packed('x').slice(0, -8), message: /it cannot be unpacked|no JSON/ },
    { name: 'a string', text: packed('secret'), message: 'it is no object' },
    { name: 'null', text: packed(null), message: 'it is no object' },
    { name: 'without info', text: packed({ name: 'a', version: 1 }), message: /it lacks/ },
    {
      name: 'broken JSON with a secret',
      text: Buffer.from('{"password": hunter2').toString('base64'),
      message: /^it is no JSON$/,
    },
  ])('$name', async ({ text, message }) => {
    const failure = decodeRelease(text);
    await expect(failure).rejects.toThrow(ReleaseDecodeError);
    await expect(failure).rejects.toThrow(message);
  });
});

test('a decompression bomb is refused before it is unpacked', async () => {
  const bomb = gzipSync(Buffer.alloc(65 * 1024 * 1024)).toString('base64');
  await expect(decodeRelease(bomb)).rejects.toThrow('it unpacks to more than 67108864 bytes');
});

describe('a record that a Secret cannot hold', () => {
  test('is explained before anything is applied', async () => {
    const failure = assertStorable(ofSize(1_200_000));
    await expect(failure).rejects.toThrow(StalledError);
    await expect(failure).rejects.toMatchObject({ reason: 'ReleaseTooLarge' });
    await expect(failure).rejects.toThrow(
      /record of release apps\/web\.v1 takes 12\d{5} bytes, and a Secret can hold 1044480 of it: .*\.helmignore/,
    );
  });

  test('is refused by the encoding too', async () => {
    await expect(encodeRelease(ofSize(1_200_000))).rejects.toThrow(/Secret can hold 1048576/);
  });

  test('leaves room for a later change of its state', async () => {
    const release = ofSize(1_041_500);
    expect(Buffer.byteLength(await encodeRelease(release))).toBeLessThan(1024 * 1024);
    await expect(assertStorable(release)).rejects.toMatchObject({ reason: 'ReleaseTooLarge' });
  });
});

/** Words in an order that never varies, of which fast compression finds fewer repetitions than thorough one. */
function words(count: number): string {
  const vocabulary = Array.from({ length: 4000 }, (_, i) => sha256Hex(String(i)).slice(0, 11));
  let state = 1;
  const next = () => {
    state = (state * 48271) % 2147483647;
    return vocabulary[state % vocabulary.length];
  };
  return Array.from({ length: count }, next).join(' ');
}

test('a record that only the best compression makes fit is stored', async () => {
  const release = aRelease({ manifest: words(168_000) });
  expect(gzipSync(JSON.stringify(release), { level: 4 }).toString('base64').length).toBeGreaterThan(
    1024 * 1024,
  );
  await assertStorable(release);
  expect((await encodeRelease(release)).length).toBeLessThan(1024 * 1024);
});
