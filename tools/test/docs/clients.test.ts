import { glob, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '../../..');

/** The last cells of the tables of the page, and its sentences about tests: each names tests by what they are called. */
function namesOf(page: string): string[] {
  const cells = page
    .split('\n')
    .filter((line) => /^\| .*`.*\|$/.test(line) || line.startsWith('Tests: '))
    .map((line) => (line.startsWith('|') ? (line.split(' | ').at(-1) ?? '') : line));
  return cells.flatMap((cell) =>
    [...cell.matchAll(/`([^`]+)`/g)].map(([, name]) => name as string),
  );
}

async function sourcesOfTests(): Promise<string> {
  const texts: Promise<string>[] = [];
  for await (const file of glob('{clients,libs,services}/*/test/**/*.test.ts', { cwd: root }))
    texts.push(readFile(join(root, file), 'utf8'));
  for await (const file of glob('test/e2e/{flux-cli/*,*.e2e.test}.ts', { cwd: root }))
    texts.push(readFile(join(root, file), 'utf8'));
  return (await Promise.all(texts)).join('\n');
}

test('each test that the page about clients names exists', async () => {
  const names = namesOf(await readFile(join(root, 'docs/clients.md'), 'utf8'));
  expect(names.length).toBeGreaterThan(50);
  const sources = await sourcesOfTests();
  expect(names.filter((name) => !name.endsWith('.test.ts') && !sources.includes(name))).toEqual([]);
});
