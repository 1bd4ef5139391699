import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { generatedMark } from '../../generate/generator.ts';
import { compareWithDisk, generateAll, writeToDisk } from '../../generate/output.ts';

const content = `# ${generatedMark}\n`;
let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'generate-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

test('a fresh checkout lacks every file; writing makes it equal', async () => {
  const files = new Map([
    ['docs/a.md', content],
    ['charts/x/files/crds/b.yaml', content],
  ]);
  expect(await writeToDisk(root, files)).toEqual([
    { path: 'charts/x/files/crds/b.yaml', problem: 'missing' },
    { path: 'docs/a.md', problem: 'missing' },
  ]);
  expect(await readFile(join(root, 'docs/a.md'), 'utf8')).toBe(content);
  expect(await compareWithDisk(root, files)).toEqual([]);
});

test('a file edited by hand is outdated until it is written again', async () => {
  const files = new Map([['docs/a.md', content]]);
  await writeToDisk(root, files);
  await writeFile(join(root, 'docs/a.md'), `${content}edited\n`);
  expect(await compareWithDisk(root, files)).toEqual([{ path: 'docs/a.md', problem: 'outdated' }]);
  await writeToDisk(root, files);
  expect(await compareWithDisk(root, files)).toEqual([]);
});

test('a generated file that nothing makes any more is removed, one written by hand is kept', async () => {
  await mkdir(join(root, 'docs'));
  await writeFile(join(root, 'docs/old.md'), content);
  await writeFile(join(root, 'docs/guide.md'), `# Guide\n\n${generatedMark}\n`);
  const files = new Map([['docs/a.md', content]]);
  expect(await writeToDisk(root, files)).toEqual([
    { path: 'docs/a.md', problem: 'missing' },
    { path: 'docs/old.md', problem: 'not generated any more' },
  ]);
  await expect(readFile(join(root, 'docs/old.md'))).rejects.toThrow('ENOENT');
  expect(await readFile(join(root, 'docs/guide.md'), 'utf8')).toContain('Guide');
});

test('two generators may not make the same file', async () => {
  const generator = async () => new Map([['docs/a.md', content]]);
  await expect(generateAll([generator, generator])).rejects.toThrow('docs/a.md');
});
