import { gunzipSync, gzipSync } from 'node:zlib';
import type { KubeObject } from '@sluice/shared/api';
import { parseJson, sha256Hex } from '@sluice/shared/base';
import { expect, test } from 'vitest';
import { packObjects } from '../../../../src/applier/change/snapshots/pack-objects.ts';
import { unpackObjects } from '../../../../src/applier/change/snapshots/unpack-objects.ts';

const { signal } = new AbortController();
const configMap = (name: string, data: unknown = {}) =>
  ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data }) as KubeObject;

async function pack(objects: KubeObject[], holdsSecret = (_: string) => false) {
  const packed = await packObjects(objects, { holdsSecret, signal });
  if ('tooLarge' in packed) throw new Error(packed.tooLarge);
  return packed;
}

test('2,000 objects are unpacked as they were packed', async () => {
  const objects = Array.from({ length: 2000 }, (_, i) => configMap(`c${i}`, { key: `value ${i}` }));
  const { content, contentDigest } = await pack(objects);
  expect(await unpackObjects(content, contentDigest)).toEqual({ objects, leftOut: [] });
});

test('integers beyond 2^53 keep all their digits', async () => {
  const object = configMap('big', { n: parseJson('9007199254740993') });
  const { content, contentDigest } = await pack([object]);
  const { objects } = await unpackObjects(content, contentDigest);
  expect(JSON.stringify(objects)).toContain('"n":9007199254740993}');
});

test('no byte of a Secret, or of an object with a secret text, is packed', async () => {
  const secret = { ...configMap('password', { key: 'hunter2' }), kind: 'Secret' };
  const decrypted = configMap('decrypted', { key: 'opened' });
  const objects = [configMap('plain', { key: 'plain' }), secret, decrypted];
  const packed = await pack(objects, (text) => text.includes('opened'));
  expect(packed).toMatchObject({ objects: 1, leftOut: 2 });
  const json = gunzipSync(Buffer.from(packed.content, 'base64')).toString();
  expect(json).toContain('plain');
  expect(json).not.toMatch(/hunter2|opened/);
  expect((await unpackObjects(packed.content, packed.contentDigest)).leftOut).toEqual([
    { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'password' } },
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'decrypted' } },
  ]);
});

test('a Secret of another group is an object like any other', async () => {
  const object = { ...configMap('other'), apiVersion: 'example.com/v1', kind: 'Secret' };
  expect(await pack([object])).toMatchObject({ objects: 1, leftOut: 0 });
});

const lines = Array.from({ length: 40_000 }, (_, i) => sha256Hex(String(i)));

test.each([
  [
    'compressed',
    [configMap('large', { lines })],
    /\d+ bytes in gzip and Base64, .* holds 1048576$/,
  ],
  ['as JSON', [configMap('a', { key: 'x'.repeat(2 ** 26) })], /more than 67108864 bytes of JSON$/],
])('what is too large %s is not packed, and how large it is is said', async (_, objects, why) => {
  const packed = await packObjects(objects, { holdsSecret: () => false, signal });
  expect(packed).toEqual({ tooLarge: expect.stringMatching(why) });
});

const encode = (text: string) => gzipSync(text).toString('base64');
const digestOf = (text: string) => `sha256:${sha256Hex(text)}`;

test.each([
  ['other content', encode('{}'), digestOf('{"objects":[]}'), /somebody has altered it/],
  ['no gzip', 'no gzip', digestOf(''), /is no gzip/],
  ['too much', encode(' '.repeat(2 ** 26 + 1)), digestOf(''), /is more than 67108864 bytes/],
  ['too long a text', 'A'.repeat(1_048_577), digestOf(''), /more than 1048576 characters/],
  ['another form', encode('[]'), digestOf('[]'), /no lists of objects/],
])('%s is not unpacked', async (_, content, digest, why) => {
  await expect(unpackObjects(content, digest)).rejects.toThrow(why);
});
