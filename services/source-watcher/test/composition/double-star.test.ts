import { WorkBudget } from '@sluice/shared/base';
import { describe, expect, test } from 'vitest';
import { compileDoubleStar } from '../../src/composition/double-star.ts';

const matches = (pattern: string, path: string) =>
  compileDoubleStar(pattern, new WorkBudget('matching', 1_000_000))(path);

describe('compileDoubleStar', () => {
  test.each([
    ['**', 'a/b/c'],
    ['a/**', 'a'],
    ['a/**', 'a/b/c'],
    ['**/c', 'c'],
    ['**/c', 'a/b/c'],
    ['a/**/c', 'a/c'],
    ['a/**/c', 'a/b/b/c'],
    ['**/b/**', 'a/b/c'],
    ['*.md', 'a.md'],
    ['a/{b,c}/*.yaml', 'a/c/x.yaml'],
    ['{a/**,b}/x', 'a/c/d/x'],
    ['{a,{b,c}d}', 'cd'],
    ['a{,b}', 'a'],
    ['[!b]*', 'abc'],
    ['[^b]*', 'abc'],
    ['[{]x', '{x'],
    ['\\{a,b\\}', '{a,b}'],
    ['a\\[!b', 'a[!b'],
  ])('%s matches %s', (pattern, path) => {
    expect(matches(pattern, path)).toBe(true);
  });

  test.each([
    ['a/**', 'ab'],
    ['**/c', 'a/bc'],
    ['a/**/c', 'a/b'],
    ['*', 'a/b'],
    ['a**c', 'a/c'],
    ['a?c', 'a/c'],
    ['{a,b}', 'c'],
    ['[!a]*', 'abc'],
    ['a/', 'a'],
    ['A', 'a'],
  ])('%s does not match %s', (pattern, path) => {
    expect(matches(pattern, path)).toBe(false);
  });

  test.each(['[', 'a/[b', '{a', 'a\\', '[]'])('%s is no pattern', (pattern) => {
    expect(() => matches(pattern, 'a')).toThrow('is no pattern');
  });
});
