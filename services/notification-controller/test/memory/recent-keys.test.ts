import { beforeEach, expect, test } from 'vitest';
import { RecentKeys } from '../../src/memory/recent-keys.ts';

let nowMs: number;
let recent: RecentKeys;

beforeEach(() => {
  nowMs = 1_000;
  recent = new RecentKeys(100, () => nowMs, 3);
});

test('keys are known for the time', () => {
  recent.add('a', nowMs);
  nowMs += 99;
  expect(recent.has('a')).toBe(true);
  nowMs += 1;
  expect(recent.has('a')).toBe(false);
});

test('nothing is said to be complete before it is, nor after too many keys', () => {
  expect(recent.isCompleteSince(nowMs)).toBe(false);
  recent.holdsAllSince(nowMs);
  expect(recent.isCompleteSince(nowMs - 1)).toBe(false);
  for (const key of ['a', 'b', 'c']) recent.add(key, nowMs++);
  expect(recent.isCompleteSince(1_000)).toBe(true);
  recent.add('d', nowMs);
  expect(recent.has('a')).toBe(false);
  expect(recent.isCompleteSince(1_000)).toBe(false);
  expect(recent.isCompleteSince(1_001)).toBe(true);
});

test('what has gone by itself is not missing', () => {
  recent.holdsAllSince(nowMs);
  recent.add('a', nowMs);
  nowMs += 200;
  recent.add('b', nowMs);
  expect(recent.isCompleteSince(1_000)).toBe(true);
});
