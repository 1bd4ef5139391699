import { expect, test } from 'vitest';
import { wantedRevision } from '../../src/where/matches.ts';

const commit = '4f2c1d9e8a7b6c5d4e3f2a1b0c9d8e7f6a5b4c3d';

const cases = [
  { wanted: commit, revision: `main@sha1:${commit}`, matches: true },
  { wanted: '4f2c1d9', revision: `main@sha1:${commit}`, matches: true },
  { wanted: '4F2C1D9', revision: `main@sha1:${commit}`, matches: true },
  { wanted: '4f2c', revision: `main@sha1:${commit}`, matches: false },
  { wanted: `main@sha1:${commit}`, revision: `main@sha1:${commit}`, matches: true },
  { wanted: 'main@sha1:4f2c1d9', revision: `main@sha1:${commit}`, matches: true },
  { wanted: 'main@sha1:4f', revision: `main@sha1:${commit}`, matches: false },
  { wanted: 'sha1:4f2c1d9', revision: `main@sha1:${commit}`, matches: true },
  { wanted: 'main', revision: `main@sha1:${commit}`, matches: false },
  { wanted: '1d9e8a7b', revision: `main@sha1:${commit}`, matches: false },
  { wanted: '1.2.0', revision: '1.2.0', matches: true },
  { wanted: '1.2', revision: '1.2.0', matches: false },
  { wanted: '1.2.0', revision: '1.2.0+4f2c1d9e8a7b', matches: true },
  { wanted: commit, revision: '1.2.0+4f2c1d9e8a7b', matches: true },
  { wanted: '4f2c1d9', revision: '1.2.0+4f2c1d9e8a7b', matches: true },
  { wanted: '4f2c1d9', revision: '1.2.0+5f2c1d9e8a7b', matches: false },
  { wanted: '', revision: `main@sha1:${commit}`, matches: false },
  { wanted: '4f2c1d9', revision: undefined, matches: false },
  { wanted: '4f2c1d9', revision: '', matches: false },
];

test.each(cases)('$wanted and $revision: $matches', ({ wanted, revision, matches }) => {
  expect(wantedRevision(wanted)(revision)).toBe(matches);
});
