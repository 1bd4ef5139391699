import { expect, test } from 'vitest';
import { Waits } from '../../src/action/waits.ts';

test('names the first five of what is waited for, and counts the rest', () => {
  const waits = new Waits();
  expect(waits.describe()).toBeUndefined();
  const end = waits.begin(() => ['a', 'b', 'c', 'd', 'e', 'f', 'g']);
  expect(waits.describe()).toBe('[a, b, c, d, e and 2 more]');
  end();
  expect(waits.describe()).toBeUndefined();
});

test('names what is waited for at the time of the question', () => {
  const waits = new Waits();
  const left = new Set(['a', 'b']);
  waits.begin(() => [...left]);
  waits.begin(() => ['c']);
  left.delete('a');
  expect(waits.describe()).toBe('[b, c]');
  left.delete('b');
  expect(waits.describe()).toBe('[c]');
});
