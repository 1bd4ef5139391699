import { execFile } from 'node:child_process';
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { filesOf, problemOf, sourceOf, temporary } from '../composing.ts';

/** An archive as `tar` makes it. */
async function archive(files: Record<string, string>, args: string[] = []): Promise<Buffer> {
  const file = join(await temporary(), 'made.tgz');
  await promisify(execFile)('tar', ['-czf', file, ...args, '-C', await sourceOf(files), '.']);
  return readFile(file);
}

const extract = (from: string, to = '@artifact/') => ({ from, to, strategy: 'Extract' as const });

test('an archive is unpacked with its directories, over what is there', async () => {
  const chart = await archive({ 'app/Chart.yaml': 'name: app\n', 'app/values.yaml': 'a: 1\n' });
  const source = { 'app-1.0.0.tgz': chart, 'values.yaml': 'a: 2\n' };
  const files = await filesOf(
    { source },
    { from: '@source/values.yaml', to: '@artifact/x/app/values.yaml' },
    extract('@source/app-1.0.0.tgz', '@artifact/x/'),
  );
  expect(files).toEqual({ 'x/app/Chart.yaml': 'name: app\n', 'x/app/values.yaml': 'a: 1\n' });
});

test('a pattern finds archives in any directory, and skips what is none', async () => {
  const source = {
    'releases/a.tgz': await archive({ 'a.yaml': 'a\n' }),
    'releases/deep/er/b.TAR.GZ': await archive({ 'b.yaml': 'b\n' }),
    'releases/c.yaml': 'c\n',
  };
  expect(await filesOf({ source }, extract('@source/releases/**'))).toEqual({
    'a.yaml': 'a\n',
    'b.yaml': 'b\n',
  });
  expect(await filesOf({ source }, extract('@source/releases/**/*.tgz'))).toEqual({
    'a.yaml': 'a\n',
  });
});

describe('hostile archives', () => {
  const copy = [extract('@source/evil.tgz')];

  test('a link is refused', async () => {
    const dir = await temporary();
    await mkdir(join(dir, 'in'));
    await symlink('/etc/passwd', join(dir, 'in/link'));
    await promisify(execFile)('tar', ['-czf', join(dir, 'evil.tgz'), '-C', join(dir, 'in'), '.']);
    const source = { 'evil.tgz': await readFile(join(dir, 'evil.tgz')) };
    expect(await problemOf({ source }, copy)).toMatch(/'evil\.tgz': archive refused: .*Symbolic/);
  });

  test('a path that leads out is refused', async () => {
    const dir = await temporary();
    await writeFile(join(dir, 'x'), 'x');
    const args = ['-czf', join(dir, 'evil.tgz'), '-C', dir, '--transform=s,x,../../x,', '-P', 'x'];
    await promisify(execFile)('tar', args);
    const source = { 'evil.tgz': await readFile(join(dir, 'evil.tgz')) };
    expect(await problemOf({ source }, copy)).toContain("'..'");
  });

  test('what unpacks to more than an artifact may hold is refused', async () => {
    const zeros = await archive({ zeros: '\0'.repeat(2 * 1024 * 1024) });
    expect(zeros.length).toBeLessThan(20_000);
    expect(await problemOf({ source: { 'evil.tgz': zeros } }, copy)).toContain('more than 1048576');
  });

  test('two that are small enough alone are refused together', async () => {
    const half = await archive({ half: '\0'.repeat(600 * 1024) });
    const source = { 'a.tgz': half, 'b.tgz': half };
    const problem = await problemOf({ source }, [
      extract('@source/a.tgz', '@artifact/a/'),
      extract('@source/b.tgz', '@artifact/b/'),
    ]);
    expect(problem).toContain("'b.tgz': archive refused: it unpacks to more than");
  });

  test('a gzip that never ends as a tar is refused', async () => {
    const source = { 'evil.tgz': gzipSync(Buffer.alloc(8 * 1024 * 1024, 1)) };
    expect(await problemOf({ source }, copy)).toContain("'evil.tgz': ");
  });
});
