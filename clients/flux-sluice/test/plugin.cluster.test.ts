import { mkdir, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { runCommand } from '@sluice/shared/cli';
import { temporaryFolder, toolPath } from '@sluice/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bundleClient } from '../../../tools/bundle/bundle.ts';
import {
  type CliBed,
  createKustomization,
  createWaiting,
  digestA,
  readyStatus,
  startCliBed,
} from './cli-bed.ts';

let bed: CliBed;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let env: Record<string, string>;

beforeAll(async () => {
  bed = await startCliBed();
  folder = await temporaryFolder('plugin');
  const { directory } = await bundleClient('flux-sluice', join(folder.path, 'bundle'));
  // Where flux and kubectl look for plugins.
  const plugins = join(folder.path, 'home', '.fluxcd', 'plugins');
  const programs = join(folder.path, 'bin');
  await mkdir(plugins, { recursive: true });
  await mkdir(programs);
  await symlink(join(directory, 'flux-sluice'), join(plugins, 'flux-sluice'));
  await symlink(join(directory, 'kubectl-sluice'), join(programs, 'kubectl-sluice'));
  env = {
    HOME: join(folder.path, 'home'),
    KUBECONFIG: bed.kubeconfigPath,
    PATH: [programs, dirname(process.execPath)].join(':'),
  };
  await createWaiting(bed, 'web');
  await createKustomization(bed, { name: 'idle', status: readyStatus });
});
afterAll(() => folder?.remove());

function run(file: string, ...args: string[]) {
  return runCommand({ file, args, env, timeoutMs: 60_000, maxOutputBytes: 1_000_000 });
}

const clients = [
  { name: 'flux', tool: 'flux' },
  { name: 'kubectl', tool: 'kubectl' },
];

describe.each(clients)('as a plugin of $name', ({ tool }) => {
  test('prints a plan with the exit code 2', async () => {
    const args = ['sluice', 'plan', 'ks', 'web', '-n', bed.namespace];
    const { exitCode, stdout, stderr } = await run(toolPath(tool), ...args);
    expect({ exitCode, stderr }).toEqual({ exitCode: 2, stderr: '' });
    expect(stdout).toContain(`Plan: ${digestA}\n`);
  });

  test('ends with 0 when nothing would change, and with 1 after an error', async () => {
    const plan = ['sluice', 'plan', 'ks'];
    const idle = await run(toolPath(tool), ...plan, 'idle', '-n', bed.namespace);
    expect(idle.exitCode).toBe(0);
    const gone = await run(toolPath(tool), ...plan, 'gone', '-n', bed.namespace);
    expect(gone.exitCode).toBe(1);
    expect(gone.stderr).toBe(
      `flux-sluice: there is no Kustomization ${bed.namespace}/gone: name its namespace with --namespace\n`,
    );
  });

  test('has a help of its own', async () => {
    const { exitCode, stdout } = await run(toolPath(tool), 'sluice', 'approve', '--help');
    expect(exitCode).toBe(0);
    expect(stdout).toContain('Usage: flux-sluice approve KIND NAME [OPTIONS]');
  });
});

test('flux lists the plugin among its commands', async () => {
  const help = await run(toolPath('flux'), '--help');
  expect(help.stdout).toMatch(/Plugin Commands:\n +sluice +Runs the sluice plugin/);
  const list = await run(toolPath('flux'), 'plugin', 'list');
  expect(list.stdout).toMatch(/^sluice\s+manual\s/m);
});

test('the namespace is that of the context, else flux-system', async () => {
  const { stderr, exitCode } = await run(toolPath('flux'), 'sluice', 'plan', 'ks', 'web');
  expect(exitCode).toBe(1);
  expect(stderr).toContain('there is no Kustomization flux-system/web');
});
