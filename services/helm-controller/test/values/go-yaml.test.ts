import { describe, expect, test } from 'vitest';
import { valuesDigest } from '../../src/values/digest.ts';
import { formatGoYaml } from '../../src/values/go-yaml.ts';

const words = (n: number) => Array(n).fill('word').join(' ');

// The texts are what go.yaml.in/yaml/v2 writes; 120,000 random values were compared with it as well.
describe('formatGoYaml', () => {
  test.each([
    { value: { b: 1, a: true, C: null }, text: 'C: null\na: true\nb: 1\n' },
    { value: { empty: {}, none: [] }, text: 'empty: {}\nnone: []\n' },
    {
      value: { list: ['a', { b: null, a: [1, [2]] }] },
      text: 'list:\n- a\n- a:\n  - 1\n  - - 2\n  b: null\n',
    },
    {
      value: { x: [1234567.5, 1e21, 0.1, 1e-7, 2 ** 63, -5] },
      text: 'x:\n- 1.2345675e+06\n- 1e+21\n- 0.1\n- 1e-07\n- 9223372036854775808\n- -5\n',
    },
    {
      value: { s: ['8080', 'yes', '', '2024-01-02', '1:30', '0x1F', '.5', '1_0', '~'] },
      text: 's:\n- "8080"\n- "yes"\n- ""\n- "2024-01-02"\n- "1:30"\n- "0x1F"\n- ".5"\n- "1_0"\n- "~"\n',
    },
    {
      value: { s: ['2024-02-30', '1.2.3', '<<', 'a:b', '-a', '1e999'] },
      text: 's:\n- 2024-02-30\n- 1.2.3\n- <<\n- a:b\n- -a\n- 1e999\n',
    },
    {
      value: { s: ['a: b', 'a #b', '- a', "'", '@a', ' a', '---'] },
      text: "s:\n- 'a: b'\n- 'a #b'\n- '- a'\n- ''''\n- '@a'\n- ' a'\n- '---'\n",
    },
    {
      value: { s: ['a\tb', '😀', 'a \nb', '\ufeffa'] },
      text: 's:\n- "a\\tb"\n- "\\U0001F600"\n- "a \\nb"\n- "\\uFEFF\\x61"\n',
    },
    {
      value: { t: 'one\ntwo\n', u: 'one\n\n', v: 'one\ntwo', w: '\n a' },
      text: 't: |\n  one\n  two\nu: |+\n  one\n\nv: |-\n  one\n  two\nw: |2-\n\n   a\n',
    },
    { value: { t: words(19) }, text: `t: ${words(16)}\n  word word word\n` },
    { value: { t: `'${words(19)}` }, text: `t: '''${words(16)}\n  word word word'\n` },
    { value: { [`k${'x'.repeat(128)}`]: 1 }, text: `? k${'x'.repeat(128)}\n: 1\n` },
  ])('writes $value', ({ value, text }) => {
    expect(formatGoYaml(value)).toBe(text);
  });
});

describe('valuesDigest', () => {
  test('is the digest of Flux, whatever the order of keys', () => {
    const digest = '87825919a96b69565229f1c9d4bb0fab5d3ed954f9e4d57be0f65fcc7b313413';
    const image = { tag: 'v1.0', repository: 'ghcr.io/x/y' };
    const list = ['a', { b: null, a: true }];
    const values = { replicas: 3, image, list, empty: {}, none: [] };
    expect(valuesDigest(values)).toBe(`sha256:${digest}`);
    const reversed = Object.fromEntries(Object.entries(values).reverse());
    expect(valuesDigest(reversed)).toBe(`sha256:${digest}`);
  });

  test('is that of nothing without values', () => {
    const nothing = 'sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
    expect([valuesDigest(undefined), valuesDigest({})]).toEqual([nothing, nothing]);
  });

  test('tells null from absent, and a number from its text', () => {
    const digests = [{ a: null }, { a: 1 }, { a: '1' }, { a: {} }, { a: { b: 1 } }, {}];
    expect(new Set(digests.map((values) => valuesDigest(values))).size).toBe(digests.length);
  });
});
