import { describe, expect, test } from 'vitest';
import type { Values } from '../../src/release/release.ts';
import { keepsValues } from '../../src/values/kept.ts';

const released: Values = { a: 1, list: [1, 2], map: { b: { c: 'x' }, d: null }, empty: {} };

const cases: { name: string; wanted: Values; keeps: boolean }[] = [
  { name: 'nothing', wanted: {}, keeps: true },
  { name: 'the same', wanted: released, keeps: true },
  { name: 'a part of it', wanted: { map: { b: { c: 'x' } }, list: [1, 2] }, keeps: true },
  { name: 'null for what is not there', wanted: { gone: null, map: { d: null } }, keeps: true },
  { name: 'null for what is there', wanted: { a: null }, keeps: false },
  { name: 'another number', wanted: { a: 2 }, keeps: false },
  { name: 'another list', wanted: { list: [2, 1] }, keeps: false },
  { name: 'another value in a map', wanted: { map: { b: { c: 'y' } } }, keeps: false },
  { name: 'a new key', wanted: { new: 1 }, keeps: false },
  { name: 'a new empty map', wanted: { map: { new: {} } }, keeps: false },
  { name: 'a map for a number', wanted: { a: {} }, keeps: false },
  { name: 'what only JavaScript knows', wanted: { constructor: {} }, keeps: false },
];

describe('values that are kept', () => {
  test.each(cases)('stay the same: $keeps, with $name', ({ wanted, keeps }) => {
    expect(keepsValues(released, wanted)).toBe(keeps);
  });
});
