import { expect, test } from 'vitest';
import { fit, fitBytes } from '../../src/provider/fit.ts';

test('a text that fits stays as it is', () => {
  expect(fit('äbc', 3)).toBe('äbc');
  expect(fitBytes('äbc', 4)).toBe('äbc');
});

test('one that does not is shortened to the limit, and says by how much', () => {
  const text = 'x'.repeat(1000);
  expect(fit(text, 100)).toBe(`${'x'.repeat(72)} … (928 characters cut off)`);
  expect(fitBytes(text, 100)).toBe(`${'x'.repeat(75)} … (925 bytes cut off)`);
  expect(fit(text, 10)).toBe('x'.repeat(10));
});

test.each([30, 31, 32, 33, 100, 101])('at %i no character is cut in two', (max) => {
  const text = '💣'.repeat(200);
  for (const short of [fit(text, max), fitBytes(text, max)]) {
    expect(short.isWellFormed()).toBe(true);
    expect(short).not.toContain('\ufffd');
  }
  expect(fit(text, max).length).toBeLessThanOrEqual(max);
  expect(Buffer.byteLength(fitBytes(text, max))).toBeLessThanOrEqual(max);
});
