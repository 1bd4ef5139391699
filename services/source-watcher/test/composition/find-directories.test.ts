import { describe, expect, test } from 'vitest';
import { findDirectories } from '../../src/composition/find-directories.ts';
import { sourceOf } from '../composing.ts';

const repository = {
  'apps/Auth/envs/prod/a.yaml': '',
  'apps/Auth/envs/dev/a.yaml': '',
  'apps/shop/envs/prod/a.yaml': '',
  'apps/shop/README.md': '',
  'apps/file': '',
};

async function found(pattern: string) {
  const dir = await sourceOf(repository);
  return findDirectories({ dir, pattern }).map(({ path, captures }) => [
    path,
    Object.fromEntries(captures),
  ]);
}

describe('findDirectories', () => {
  test('finds directories whose whole path matches, with what the captures stand for', async () => {
    expect(await found('apps/{app}/envs/{env}')).toEqual([
      ['apps/Auth/envs/dev', { app: 'Auth', env: 'dev' }],
      ['apps/Auth/envs/prod', { app: 'Auth', env: 'prod' }],
      ['apps/shop/envs/prod', { app: 'shop', env: 'prod' }],
    ]);
    expect(await found('apps/{app}')).toEqual([
      ['apps/Auth', { app: 'Auth' }],
      ['apps/shop', { app: 'shop' }],
    ]);
    expect(await found('apps/s{rest}/envs/prod')).toEqual([
      ['apps/shop/envs/prod', { rest: 'hop' }],
    ]);
    expect(await found('apps/shop')).toEqual([['apps/shop', {}]]);
  });

  test('takes nothing but captures for a pattern', async () => {
    expect(await found('apps/*')).toEqual([]);
    expect(await found('apps/.+')).toEqual([]);
    expect(await found('../{x}')).toEqual([]);
  });

  test.each([
    { pattern: 'a/{b', problem: 'a brace without its partner' },
    { pattern: 'a/b}', problem: 'a brace without its partner' },
    { pattern: 'a/{}', problem: 'the capture {}' },
    { pattern: 'a/{b-c}', problem: 'the capture {b-c}' },
    { pattern: 'a/{__proto__}', problem: 'the capture {__proto__}' },
    { pattern: 'a/{b}/{b}', problem: 'the capture {b} twice' },
    {
      pattern: Array.from({ length: 33 }, (_, at) => `{c${at}}`).join(''),
      problem: 'more than 32',
    },
  ])('refuses $pattern', async ({ pattern, problem }) => {
    await expect(found(pattern)).rejects.toThrow(problem);
  });

  test('many captures in one name cost no more than one', async () => {
    const pattern = `${Array.from({ length: 32 }, (_, at) => `{c${at}}a`).join('')}b`;
    const dir = await sourceOf({ [`${'a'.repeat(250)}/x`]: '' });
    expect(findDirectories({ dir, pattern })).toEqual([]);
  });

  test('finds no more than anybody needs', async () => {
    const files = Object.fromEntries(Array.from({ length: 1001 }, (_, at) => [`d${at}/x`, '']));
    const dir = await sourceOf(files);
    expect(() => findDirectories({ dir, pattern: '{d}' })).toThrow('more than 1000 directories');
  });
});
