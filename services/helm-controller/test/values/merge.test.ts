import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Values } from '../../src/release/release.ts';
import { mergeMaps } from '../../src/values/merge.ts';
import { directory, valuesByHelm } from './helm.ts';

describe('mergeMaps', () => {
  test.each<{ name: string; layers: Values[] }>([
    { name: 'maps', layers: [{ a: { b: 1, c: { d: 1 } } }, { a: { c: { e: 2 } }, f: 3 }] },
    {
      name: 'lists',
      layers: [
        { a: [1, 2], b: [{ c: 1 }] },
        { a: [3], b: [{ d: 1 }] },
      ],
    },
    {
      name: 'a map over a text and back',
      layers: [
        { a: 1, b: { c: 1 } },
        { a: { x: 1 }, b: 2 },
      ],
    },
    {
      name: 'null over values',
      layers: [
        { a: { b: 1 }, c: 2 },
        { a: null, c: null },
      ],
    },
    { name: 'values over null', layers: [{ a: null }, { a: { b: 1 } }] },
    { name: 'an empty map', layers: [{ a: { b: 1 } }, { a: {} }] },
    { name: 'three layers', layers: [{ a: { b: 1 } }, { a: null }, { a: { c: 1 } }] },
    { name: 'great numbers', layers: [{ a: 1 }, { a: 2 ** 53 + 2 }] },
    { name: 'fractions', layers: [{ a: 1 }, { a: 1.5e-7, b: 1e21, c: 2 ** 64 }] },
    {
      name: 'inherited names',
      layers: [{ constructor: 1 }, { constructor: { a: 1 }, toString: 2 }],
    },
  ])('is what helm makes of files with $name', async ({ layers }) => {
    const chart = await directory();
    await writeFile(join(chart, 'Chart.yaml'), 'apiVersion: v2\nname: c\nversion: 1.0.0\n');
    const args: string[] = [];
    for (const [index, layer] of layers.entries()) {
      await writeFile(join(chart, `${index}.yaml`), JSON.stringify(layer));
      args.push('-f', `${index}.yaml`);
    }
    expect(layers.reduce(mergeMaps)).toEqual(await valuesByHelm(chart, args));
  });

  test('keeps __proto__ and constructor as plain data', () => {
    const parse = (text: string) => JSON.parse(text) as Values;
    const merged = mergeMaps(
      parse('{"__proto__": {"a": 1}, "constructor": {"prototype": {"x": 1}}}'),
      parse('{"__proto__": {"polluted": 2}, "constructor": {"prototype": {"polluted": 1}}}'),
    );
    expect(JSON.stringify(merged)).toBe(
      '{"__proto__":{"a":1,"polluted":2},"constructor":{"prototype":{"x":1,"polluted":1}}}',
    );
    expect(({} as Values)['polluted']).toBeUndefined();
  });

  test('leaves its sources as they are, and has the keys of both', () => {
    const values = fc.dictionary(fc.string(), fc.jsonValue(), { noNullPrototype: true });
    fc.assert(
      fc.property(values, values, (under, over) => {
        const before = JSON.stringify([under, over]);
        const merged = mergeMaps(under, over);
        expect(JSON.stringify([under, over])).toBe(before);
        const keys = new Set([...Object.keys(under), ...Object.keys(over)]);
        expect(new Set(Object.keys(merged))).toEqual(keys);
        expect(mergeMaps(merged, over)).toEqual(merged);
      }),
    );
  });
});
