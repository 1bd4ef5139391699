import { describe, expect, test } from 'vitest';
import { fit, fitBytes, fitEntries, fitEvent, fitPayload } from '../../src/provider/fit.ts';
import { eventJson } from '../../src/provider/go-json.ts';
import { eventOf } from '../objects.ts';

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

describe('metadata', () => {
  const entries = Array.from({ length: 5 }, (_, n): [string, string] => [`k${n}`, 'v'.repeat(8)]);

  test('that fit stay as they are', () => {
    expect(fitEntries(entries, { maxValue: 8, maxTotal: 50, maxCount: 5 })).toEqual(entries);
  });

  test.each([
    { name: 'too long together', o: { maxValue: 8, maxTotal: 49 }, kept: 4 },
    { name: 'too many', o: { maxValue: 8, maxTotal: 500, maxCount: 4 }, kept: 3 },
    { name: 'too long for any', o: { maxValue: 8, maxTotal: 5 }, kept: 0 },
  ])('that are $name end with how many are missing', ({ o, kept }) => {
    const short = fitEntries(entries, o);
    expect(short).toEqual([...entries.slice(0, kept), ['…', `${5 - kept} more`]]);
  });

  test('have keys and values of a length', () => {
    const long: [string, string][] = [['k'.repeat(200), 'v'.repeat(200)]];
    const [[key, value] = ['', '']] = fitEntries(long, {
      maxKey: 50,
      maxValue: 100,
      maxTotal: 1000,
    });
    expect(key).toHaveLength(50);
    expect(value).toHaveLength(100);
    expect(value).toContain('characters cut off');
  });
});

test('a payload is made shorter until it fits', () => {
  const shares: number[] = [];
  const make = (share: number) => {
    shares.push(share);
    return 'x'.repeat(1000 * share);
  };
  expect(fitPayload(300, make)).toHaveLength(250);
  expect(shares).toEqual([1, 0.5, 0.25]);
});

test('an event that fits is as it is, a longer one has a shorter message, and metadata if need be', () => {
  const event = eventOf({ message: '💣'.repeat(1000), metadata: { a: '1', b: '2' } });
  expect(fitEvent(event, 100_000)).toBe(eventJson(event));
  const short = JSON.parse(fitEvent(event, 2_000));
  expect(short.message).toMatch(/^💣+ … \(\d+ characters cut off\)$/u);
  expect(short.metadata).toEqual(event.metadata);
  const many = Object.fromEntries(
    Array.from({ length: 250 }, (_, n) => [`k${n}`, 'v'.repeat(500)]),
  );
  const text = fitEvent(eventOf({ metadata: many }), 10_000);
  expect(Buffer.byteLength(text)).toBeLessThanOrEqual(10_000);
  expect(Object.keys(JSON.parse(text).metadata)).toContain('…');
});
