import { readFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { readArchive } from '@sluice/shared/artifact';
import { describe, expect, test } from 'vitest';
import { composeOne, type Files, filesOf, problemOf } from '../composing.ts';

const shop: Files = {
  'config.yaml': 'root: 1\n',
  'deploy/a.yaml': 'a: 1\n',
  'deploy/b.yaml': 'b: 1\n',
  'deploy/README.md': 'text\n',
  'deploy/nested/c.yaml': 'c: 1\n',
  'deploy/nested/testdata/d.yaml': 'd: 1\n',
  'deploy/.hidden': 'h\n',
};
const names = async (from: string, to: string, exclude?: string[]) =>
  Object.keys(await filesOf({ shop }, { from, to, ...(exclude && { exclude }) }));

describe('what is copied, and where to', () => {
  test.each([
    { from: '@shop/config.yaml', to: '@artifact/', expected: ['config.yaml'] },
    { from: '@shop/config.yaml', to: '@artifact/apps/', expected: ['apps/config.yaml'] },
    { from: '@shop/config.yaml', to: '@artifact/apps/x.yaml', expected: ['apps/x.yaml'] },
    { from: '@shop/./deploy/../config.yaml', to: '@artifact/./x', expected: ['x'] },
    {
      from: '@shop/deploy/nested',
      to: '@artifact/x',
      expected: ['x/nested/c.yaml', 'x/nested/testdata/d.yaml'],
    },
    {
      from: '@shop/deploy/nested/',
      to: '@artifact/x/',
      expected: ['x/nested/c.yaml', 'x/nested/testdata/d.yaml'],
    },
    {
      from: '@shop/deploy/nested/**',
      to: '@artifact/x/',
      expected: ['x/c.yaml', 'x/testdata/d.yaml'],
    },
    // Only `/**` takes the directory off.
    {
      from: '@shop/deploy/*.yaml',
      to: '@artifact/x/',
      expected: ['x/deploy/a.yaml', 'x/deploy/b.yaml'],
    },
    { from: '@shop/*.yaml', to: '@artifact/x/', expected: ['x/config.yaml'] },
    {
      from: '@shop/deploy/[ab].yaml',
      to: '@artifact/',
      expected: ['deploy/a.yaml', 'deploy/b.yaml'],
    },
    { from: '@shop/deploy/.h*', to: '@artifact/', expected: ['deploy/.hidden'] },
    // In the middle, `**` is one directory.
    { from: '@shop/deploy/**/*.yaml', to: '@artifact/', expected: ['deploy/nested/c.yaml'] },
  ])('$from to $to', async ({ from, to, expected }) => {
    expect(await names(from, to)).toEqual(expected);
  });

  test.each(['@shop/', '@shop/**', '@shop/.'])('%s is everything', async (from) => {
    expect(await names(from, '@artifact/')).toEqual(Object.keys(shop).sort());
  });

  test('a file goes into a directory that is there, and replaces a file', async () => {
    const files = await filesOf(
      { shop, other: { deploy: 'file\n', 'a.yaml': 'other\n' } },
      { from: '@shop/deploy', to: '@artifact/' },
      { from: '@other/a.yaml', to: '@artifact/deploy' },
      { from: '@other/a.yaml', to: '@artifact/deploy/b.yaml' },
    );
    expect(files).toMatchObject({ 'deploy/a.yaml': 'other\n', 'deploy/b.yaml': 'other\n' });
    expect(files['deploy/nested/c.yaml']).toBe('c: 1\n');
  });

  test('what can be run stays so, and equal files make equal bytes', async () => {
    const copy = [{ from: '@a/**', to: '@artifact/' }];
    const first = await composeOne({ a: { 'run.sh': 'x', 'b.txt': 'y' } }, copy);
    const second = await composeOne({ a: { 'b.txt': 'y', 'run.sh': 'x' } }, copy);
    expect(first.composed).toEqual(second.composed);
    const files = readArchive(await readFile(first.destination)) ?? [];
    expect(files.map(({ path, executable }) => [path, executable])).toEqual([
      ['b.txt', false],
      ['run.sh', true],
    ]);
  });

  test('version control, pictures and archives stay out, as of any source', async () => {
    const source = { '.git/HEAD': 'x', 'logo.png': 'x', 'old.tar.gz': 'x', 'a.yaml': 'x' };
    expect(
      Object.keys(await filesOf({ source }, { from: '@source/**', to: '@artifact/' })),
    ).toEqual(['a.yaml']);
  });
});

describe('what is left out', () => {
  test.each([
    {
      exclude: ['*.md'],
      expected: ['.hidden', 'a.yaml', 'b.yaml', 'nested/c.yaml', 'nested/testdata/d.yaml'],
    },
    {
      exclude: ['**/testdata/**', '**/.*', '*.md'],
      expected: ['a.yaml', 'b.yaml', 'nested/c.yaml'],
    },
    { exclude: ['nested/**', '.*', '*.md'], expected: ['a.yaml', 'b.yaml'] },
    { exclude: ['deploy/nested/**', '.*', '*.md'], expected: ['a.yaml', 'b.yaml'] },
    {
      exclude: ['testdata/**', '.*', '*.md'],
      expected: ['a.yaml', 'b.yaml', 'nested/c.yaml', 'nested/testdata/d.yaml'],
    },
    { exclude: ['{a,b}.yaml', '.*', 'README.*', 'testdata'], expected: ['nested/c.yaml'] },
    { exclude: ['[!a]*', 'nested'], expected: ['a.yaml'] },
  ])('$exclude', async ({ exclude, expected }) => {
    expect(await names('@shop/deploy/**', '@artifact/', exclude)).toEqual(expected);
  });

  test('a single file that is left out is no error, a pattern of which nothing is left is one', async () => {
    const exclude = ['*.yaml'];
    const left = { from: '@shop/config.yaml', to: '@artifact/', exclude };
    const readme = { from: '@shop/deploy/README.md', to: '@artifact/' };
    expect(Object.keys(await filesOf({ shop }, left, readme))).toEqual(['README.md']);
    const pattern = { ...left, from: '@shop/*.yaml' };
    expect(await problemOf({ shop }, [pattern, readme])).toContain(
      'exclude leaves out all files that match',
    );
  });

  test('nothing at all is no artifact', async () => {
    const left = { from: '@shop/config.yaml', to: '@artifact/', exclude: ['*'] };
    expect(await problemOf({ shop }, [left])).toBe('nothing is copied: it would be empty');
    const source = { 'logo.png': 'x' };
    expect(await problemOf({ source }, [{ from: '@source/**', to: '@artifact/' }])).toContain(
      'it would be empty',
    );
  });
});

describe('Merge', () => {
  const copy = [
    { from: '@chart/values.yaml', to: '@artifact/app/values.yaml' },
    { from: '@git/prod.yaml', to: '@artifact/app/values.yaml', strategy: 'Merge' as const },
  ];

  test('merges maps, replaces lists, and keeps large numbers', async () => {
    const files = await filesOf(
      {
        chart: { 'values.yaml': 'id: 9007199254740993\nimage: {tag: a, pull: b}\nlist: [1, 2]\n' },
        git: { 'prod.yaml': 'image: {tag: c}\nlist: [3]\n---\nmore: null\n' },
      },
      ...copy,
    );
    expect(files['app/values.yaml']).toBe(
      'id: 9007199254740993\nimage:\n  pull: b\n  tag: c\nlist:\n  - 3\nmore: null\n',
    );
  });

  test('copies a file where there is none', async () => {
    const git = { 'prod.yaml': 'a: 1 # kept\n' };
    const [, merge] = copy as [never, (typeof copy)[number]];
    expect(await filesOf({ git }, merge)).toEqual({ 'app/values.yaml': 'a: 1 # kept\n' });
  });

  test.each([
    { text: '- a\n', problem: 'no map' },
    { text: 'a: [\n', problem: 'prod.yaml' },
    { text: `a: ${'x'.repeat(4 * 1024 * 1024)}\n`, problem: 'larger than' },
  ])('says what cannot be merged: $problem', async ({ text, problem }) => {
    const sources = { chart: { 'values.yaml': 'a: 1\n' }, git: { 'prod.yaml': text } };
    const said = await problemOf(sources, copy, { maxBytes: 2 ** 24 });
    expect(said).toContain(problem);
    expect(said).toContain("copy from '@git/prod.yaml' to '@artifact/app/values.yaml'");
  });
});

describe('what cannot be copied', () => {
  test.each([
    { from: '@other/a', to: '@artifact/', problem: "no alias 'other'" },
    { from: '@shop/none.yaml', to: '@artifact/', problem: "has no 'none.yaml'" },
    { from: '@shop/none/*.yaml', to: '@artifact/', problem: 'no files match' },
    { from: '@shop/[', to: '@artifact/', problem: 'no pattern' },
    { from: '@shop/../config.yaml', to: '@artifact/', problem: "has no '../config.yaml'" },
    { from: '@shop/config.yaml', to: '@artifact/../x', problem: 'no path inside of the artifact' },
    {
      from: '@shop/config.yaml',
      to: '@artifact//etc/x',
      problem: 'no path inside of the artifact',
    },
    { from: '@shop/config.yaml', to: '@artifact/a\0b', problem: 'no path inside of the artifact' },
    { from: '@shop/config.yaml', to: `@artifact/${'x'.repeat(256)}`, problem: 'too long' },
    { from: '@shop/config.yaml', to: 'x', problem: 'to has to begin with' },
    { from: '@shop/deploy', to: '@artifact/', exclude: ['[*.md'], problem: 'no pattern' },
    { from: '@shop/deploy', to: '@artifact/', exclude: ['{a,b'], problem: 'close its braces' },
    {
      from: '@shop/deploy',
      to: '@artifact/',
      strategy: 'Extract' as const,
      problem: 'a directory',
    },
    { from: '@shop/config.yaml', to: '@artifact/', strategy: 'Extract' as const, problem: '.tgz' },
  ])('$from to $to: $problem', async ({ problem, ...copy }) => {
    expect(await problemOf({ shop }, [copy])).toContain(problem);
  });

  test('a file cannot become a directory, nor a directory a file', async () => {
    const sources = { shop, other: { nested: 'file\n', 'deploy/nested': 'file\n' } };
    const whole = { from: '@shop/**', to: '@artifact/' };
    expect(
      await problemOf(sources, [{ from: '@other/nested', to: '@artifact/deploy' }, whole]),
    ).toContain("'deploy' is a file already");
    expect(
      await problemOf(sources, [whole, { from: '@other/deploy/**', to: '@artifact/deploy/' }]),
    ).toContain("'deploy/nested' is a directory already");
  });

  test('an archive of something else is refused by name', async () => {
    const source = { 'a.tgz': gzipSync('nothing') };
    const copy = { from: '@source/a.tgz', to: '@artifact/', strategy: 'Extract' as const };
    expect(await problemOf({ source }, [copy])).toContain("'a.tgz': ");
  });
});
