import { WorkBudget } from '@sluice/shared/base';
import { describe, expect, test } from 'vitest';
import { compileDoubleStar } from '../../src/composition/double-star.ts';
import { StagedTree } from '../../src/composition/staged-tree.ts';
import { composeOne, problemOf } from '../composing.ts';

test('an artifact holds no more bytes than it may, also of a file that is copied again and again', async () => {
  const source = { 'a.txt': 'x'.repeat(400 * 1024) };
  const copies = (count: number) =>
    Array.from({ length: count }, (_, at) => ({ from: '@source/a.txt', to: `@artifact/${at}` }));
  expect(await problemOf({ source }, copies(3))).toContain('--artifact-max-size');
  // What is replaced does not count.
  const same = [...copies(2), ...copies(2)];
  expect(await problemOf({ source }, same)).toMatch(/^no problem/);
});

test('an artifact over a limit is told from one that is wrong', async () => {
  const source = { 'a.txt': 'x'.repeat(100) };
  const copy = [{ from: '@source/a.txt', to: '@artifact/' }];
  const over = await composeOne({ source }, copy, { maxBytes: 10 });
  expect(over.composed).toMatchObject({ isOverLimit: true });
  const wrong = await composeOne({ source }, [{ from: '@source/b', to: '@artifact/' }]);
  expect(wrong.composed).toMatchObject({ isOverLimit: false });
});

test('an artifact holds no more files than it may', () => {
  const tree = new StagedTree({ maxBytes: 100, maxFiles: 2 });
  const file = { executable: false, size: 1, content: Buffer.from('x') };
  tree.addFile('a', file);
  tree.addFile('b', file);
  expect(() => tree.addFile('c', file)).toThrow('more than 2 files');
});

describe('patterns', () => {
  const path = `${'a'.repeat(120)}/${'a'.repeat(120)}/${'a'.repeat(120)}`;

  test.each([
    { name: 'stars in a name', pattern: '*a*a*a*a*a*a*a*a*a*a*a*a*b*' },
    { name: 'stars in a path', pattern: `${'**/a*/'.repeat(100)}b` },
  ])('$name cost no more than they may', ({ pattern }) => {
    const matches = compileDoubleStar(pattern, new WorkBudget('matching', 5000));
    const work = () => {
      for (let at = 0; at < 1000; at++) matches(path);
    };
    expect(work).toThrow('takes more than 5000 steps');
  });

  test('braces stand for a limited number of patterns', () => {
    const budget = new WorkBudget('matching', 1_000_000);
    expect(() => compileDoubleStar('{a,b}'.repeat(20), budget)).toThrow('more than 200 patterns');
    expect(() => compileDoubleStar(`{${'a,'.repeat(500)}}`, budget)).toThrow('more than 200');
  });
});
