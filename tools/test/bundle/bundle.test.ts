import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bundleService, serviceNames } from '../../bundle/bundle.ts';
import { nodeEnvironment, nodeFlagsOf } from '../../bundle/node-flags.ts';

const service = 'source-controller';
let dir: string;
let packages: string[];
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'sluice-bundle-'));
  const made = await bundleService(service, join(dir, service));
  packages = made.packages.map(({ name }) => name);
}, 60_000);
afterAll(() => rm(dir, { recursive: true, force: true }));

test('a bundle has of the shared library what its service uses', () => {
  expect(packages).toContain('isomorphic-git');
  // Other services use it, through the same room.
  expect(packages).not.toContain('@marcbachmann/cel-js');
});

test('Node knows the flags of all images', async () => {
  for (const name of serviceNames()) {
    await promisify(execFile)(process.execPath, [...nodeFlagsOf(name), '-e', '']);
  }
});

test('a bundle runs with the flags and the environment of the images', async () => {
  const args = [...nodeFlagsOf(service), join(dir, service, 'main.mjs'), '--help'];
  const { stdout } = await promisify(execFile)(process.execPath, args, { env: nodeEnvironment });
  expect(stdout).toContain('--storage-path');
});
