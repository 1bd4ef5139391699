import { latestOf, previousOf } from '@sluice/shared/applier';
import { describe, expect, test } from 'vitest';
import {
  hasBeenTested,
  truncate,
  truncateToNewest,
  withSnapshot,
} from '../../src/release/history.ts';
import { type Snapshot, snapshotOf, type TestHooks } from '../../src/release/snapshot.ts';
import { aRelease } from './releases.ts';

function entry(version: number, status = 'superseded', testHooks?: TestHooks): Snapshot {
  const snapshot = snapshotOf(aRelease({ version }), { configDigest: 'sha256:0' });
  return { ...snapshot, status, ...(testHooks && { testHooks }) };
}

function versions(history: Snapshot[]): number[] {
  return history.map(({ version }) => version);
}

const failed: TestHooks = { a: { phase: 'Succeeded' }, b: { phase: 'Failed' } };

test('the latest entry is that of the highest revision', () => {
  expect(latestOf([entry(1), entry(3), entry(2)])?.version).toBe(3);
  expect(latestOf([])).toBeUndefined();
});

describe('the entry to go back to', () => {
  test.each([
    { name: 'none of one', history: [entry(1, 'deployed')], previous: undefined },
    {
      name: 'the newest good one below the latest',
      history: [entry(2, 'deployed'), entry(3, 'failed'), entry(1)],
      previous: 2,
    },
    {
      name: 'no failed one',
      history: [entry(2, 'failed'), entry(1, 'failed')],
      previous: undefined,
    },
    {
      name: 'none with failed tests',
      history: [entry(4, 'deployed'), entry(3, 'superseded', failed), entry(2)],
      previous: 2,
    },
    {
      name: 'one with failed tests when they are ignored',
      history: [entry(4, 'deployed'), entry(3, 'superseded', failed), entry(2)],
      ignoreTests: true,
      previous: 3,
    },
  ])('is $name', ({ history, ignoreTests = false, previous }) => {
    expect(previousOf(history, ignoreTests)?.version).toBe(previous);
  });
});

describe('the entries that are kept', () => {
  const allFailed = [6, 5, 4, 3, 2, 1].map((version) => entry(version, 'failed'));
  test.each([
    {
      name: 'go down to the one to go back to',
      history: [entry(1), entry(3, 'failed'), entry(2), entry(4, 'deployed')],
      kept: [4, 3, 2],
    },
    { name: 'are the newest five when there is none', history: allFailed, kept: [6, 5, 4, 3, 2] },
    { name: 'are all when there is but one', history: [entry(1, 'deployed')], kept: [1] },
    {
      name: 'pass over failed tests',
      history: [entry(4, 'deployed'), entry(3, 'superseded', failed), entry(2), entry(1)],
      kept: [4, 3, 2],
    },
    {
      name: 'end at failed tests that are ignored',
      history: [entry(4, 'deployed'), entry(3, 'superseded', failed), entry(2), entry(1)],
      ignoreTests: true,
      kept: [4, 3],
    },
  ])('$name', ({ history, ignoreTests = false, kept }) => {
    expect(versions(truncate(history, ignoreTests))).toEqual(kept);
  });

  test('are the newest five for strategies that never roll back', () => {
    const good = [entry(1), entry(2), entry(4, 'deployed'), entry(3)];
    expect(versions(truncateToNewest(good))).toEqual([4, 3, 2, 1]);
    expect(versions(truncateToNewest(allFailed))).toEqual([6, 5, 4, 3, 2]);
  });
});

test('an entry takes the place of that of its revision', () => {
  const history = withSnapshot([entry(2, 'pending-upgrade'), entry(1)], entry(2, 'deployed'));
  expect(history.map(({ version, status }) => [version, status])).toEqual([
    [2, 'deployed'],
    [1, 'superseded'],
  ]);
  expect(versions(withSnapshot(history, entry(3)))).toEqual([3, 2, 1]);
});

interface TestsCase {
  name: string;
  hooks: TestHooks | undefined;
  tested: boolean;
}

describe('the tests of a release', () => {
  test.each<TestsCase>([
    { name: 'were not run when nothing is recorded', hooks: undefined, tested: false },
    { name: 'were run when there are none', hooks: {}, tested: true },
    { name: 'were not run when one has no phase', hooks: { a: {} }, tested: false },
    { name: 'go on', hooks: { a: { phase: 'Running' } }, tested: false },
    { name: 'were run when all succeeded', hooks: { a: { phase: 'Succeeded' } }, tested: true },
    { name: 'were run when one failed', hooks: { ...failed, c: {} }, tested: true },
    {
      name: 'were not run when one of two succeeded',
      hooks: { a: { phase: 'Succeeded' }, b: {} },
      tested: false,
    },
  ])('$name', ({ hooks, tested }) => {
    expect(hasBeenTested({ ...entry(1), testHooks: hooks })).toBe(tested);
  });
});
