import type { KubeObject } from '@sluice/shared/api';
import { describe, expect, test } from 'vitest';
import { follows, pushedRefs } from '../../src/receiver/pushed-refs.ts';

const refsOf = (body: unknown, headers: Record<string, string> = {}) =>
  pushedRefs({
    headers,
    body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
  });

describe('what was pushed', () => {
  test('is in the field ref of GitHub, GitLab and Gitea', () => {
    expect(refsOf({ ref: 'refs/heads/main' })).toEqual(['refs/heads/main']);
    expect(refsOf({ ref: 'refs/tags/v1' })).toEqual(['refs/tags/v1']);
  });

  test('is in the changes of Bitbucket', () => {
    const changes = [{ ref: { id: 'refs/heads/a' } }, { ref: { id: 'refs/heads/b' } }];
    expect(refsOf({ changes })).toEqual(['refs/heads/a', 'refs/heads/b']);
  });

  test('is in the field payload of a form', () => {
    const form = new URLSearchParams({ payload: '{"ref":"refs/heads/main"}' }).toString();
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    expect(refsOf(form, headers)).toEqual(['refs/heads/main']);
    expect(refsOf('other=1', headers)).toEqual([]);
  });

  test.each([
    'no json',
    '',
    'null',
    '[]',
    { ref: 'main' },
    { ref: { a: 1 } },
    { changes: [null, 1, { ref: null }, { ref: { id: 2 } }] },
  ])('is nothing in %j', (body) => {
    expect(refsOf(body)).toEqual([]);
  });
});

describe('a GitRepository', () => {
  const refs = ['refs/heads/main', 'refs/tags/v1.2.3'];
  test.each([
    { ref: { branch: 'main' }, want: true },
    { ref: { branch: 'other' }, want: false },
    { ref: { branch: 'main', commit: 'abc' }, want: true },
    { ref: { commit: 'abc' }, want: false },
    { ref: { tag: 'v1.2.3' }, want: true },
    { ref: { tag: 'v1.2.4', branch: 'main' }, want: false },
    { ref: { semver: '>=1' }, want: true },
    { ref: { name: 'refs/heads/main', branch: 'other' }, want: true },
    { ref: { name: 'refs/pull/1/head' }, want: false },
    { ref: undefined, want: false },
  ])('that follows $ref is among what was pushed: $want', ({ ref, want }) => {
    const repository = { metadata: { name: 'shop' }, spec: { ref } } as unknown as KubeObject;
    expect(follows(repository, refs)).toBe(want);
  });

  test('follows master when it names nothing', () => {
    const repository = { metadata: { name: 'shop' }, spec: {} } as unknown as KubeObject;
    expect(follows(repository, ['refs/heads/master'])).toBe(true);
    expect(follows(repository, ['refs/heads/main'])).toBe(false);
  });

  test('that follows versions does not move with a branch', () => {
    const repository = { metadata: {}, spec: { ref: { semver: '>=1' } } } as unknown as KubeObject;
    expect(follows(repository, ['refs/heads/main'])).toBe(false);
  });
});
