import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createKustomize } from '../../src/cli/index.ts';
import { toolPath } from '../../src/testing/index.ts';

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'sluice-kustomize-'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

async function program(body: string): Promise<string> {
  const path = join(dir, `fake-${body.length}`);
  await writeFile(path, `#!${process.execPath}\n${body}`);
  await chmod(path, 0o700);
  return path;
}

const options = { timeoutMs: 20_000 };

describe('createKustomize', () => {
  test('builds a directory and tells its version', async () => {
    const kustomize = createKustomize({ binary: toolPath('kustomize'), tempDir: dir });
    await writeFile(
      join(dir, 'kustomization.yaml'),
      'configMapGenerator: [{name: x, literals: [a=b]}]',
    );
    expect(await kustomize.build(dir, options)).toContain('kind: ConfigMap');
    expect(await kustomize.version()).toMatch(/^v5\./);
  });

  test('reports what kustomize says without our directories', async () => {
    const kustomize = createKustomize({ binary: toolPath('kustomize'), tempDir: dir });
    const failing = join(dir, 'missing');
    const failure = await kustomize.build(failing, options).catch((error: unknown) => error);
    expect(failure).toMatchObject({ name: 'KustomizeError' });
    expect(String(failure)).not.toContain(failing);
  });

  test('fails with advice when it takes too long', async () => {
    const binary = await program('setInterval(() => {}, 1000)');
    const kustomize = createKustomize({ binary, tempDir: dir });
    await expect(kustomize.build(dir, { timeoutMs: 500 })).rejects.toMatchObject({
      reason: 'BuildFailed',
      message: expect.stringContaining('raise spec.timeout'),
    });
  });

  test('runs as many builds at a time as told', async () => {
    const binary = await program(
      "const fs = require('node:fs'); const d = process.argv.at(-1); fs.appendFileSync(d + '/log', '+'); setTimeout(() => { fs.appendFileSync(d + '/log', '-'); console.log('done') }, 150)",
    );
    const work = await mkdtemp(join(dir, 'work-'));
    const kustomize = createKustomize({ binary, tempDir: dir, concurrency: 1 });
    await Promise.all([1, 2, 3].map(() => kustomize.build(work, options)));
    const { readFile } = await import('node:fs/promises');
    expect(await readFile(join(work, 'log'), 'utf8')).toBe('+-+-+-');
  });
});
