import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { coreResources, createKubeClient, loadKubeConfig } from '@sluice/shared/kube';
import { ServerProcess, startControlPlane, startNats, temporaryFolder } from '@sluice/testing';
import { expect, test } from 'vitest';

const testingRoom = new URL('../src/index.ts', import.meta.url).href;

test('NATS keeps what it stored over a restart on the same port', async () => {
  const nats = await startNats();
  try {
    const before = await connect({ servers: nats.url });
    await (await jetstreamManager(before)).streams.add({ name: 'S', subjects: ['s'] });
    await jetstream(before).publish('s', 'kept');
    await before.close();
    await nats.restart();
    const after = await connect({ servers: nats.url });
    const message = await (await jetstreamManager(after)).streams.getMessage('S', { seq: 1 });
    await after.close();
    expect(message?.string()).toBe('kept');
  } finally {
    await nats.stop();
  }
});

test('a control plane gives a user no more than RBAC does, and survives the loss of its API server', async () => {
  const controlPlane = await startControlPlane({ kwok: false, scheduler: false });
  try {
    const path = await controlPlane.kubeconfigFor({ user: 'jane', groups: ['dev'] });
    const jane = createKubeClient(loadKubeConfig({ path }));
    const admin = createKubeClient(loadKubeConfig({ path: controlPlane.kubeconfigPath }));
    await expect(jane.list(coreResources.secrets)).rejects.toMatchObject({
      status: 403,
      message: expect.stringContaining('"jane"'),
    });
    const apiServer = controlPlane.servers['kube-apiserver'];
    const firstPid = apiServer?.pid;
    await apiServer?.kill();
    await apiServer?.start();
    expect(controlPlane.pids['kube-apiserver']).not.toBe(firstPid);
    const { items } = await admin.list(coreResources.namespaces);
    expect(items.map((item) => item.metadata.name)).toContain('default');
    await Promise.all([jane.close(), admin.close()]);
  } finally {
    await controlPlane.stop();
  }
  expect(existsSync(controlPlane.dir)).toBe(false);
});

test('a server that ends at start is reported with its log', async () => {
  const folder = await temporaryFolder('broken');
  const server = new ServerProcess({
    file: '/bin/sh',
    args: ['-c', 'echo no such option >&2; exit 3'],
    logFile: `${folder.path}/log`,
    isReady: async () => false,
  });
  await expect(server.start()).rejects.toThrow('sh ended at start:\nno such option');
  await folder.remove();
});

test('when the test process is killed its servers and folders go too', async () => {
  const script = `
    const { startNats, temporaryFolder } = await import(${JSON.stringify(testingRoom)});
    const folder = await temporaryFolder('killed');
    const nats = await startNats();
    console.log(JSON.stringify({ pid: nats.pid, folder: folder.path }));
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  const { pid, folder } = JSON.parse(line) as { pid: number; folder: string };
  expect(isRunning(pid)).toBe(true);
  child.kill('SIGKILL');
  await expect.poll(() => existsSync(folder), { timeout: 20_000 }).toBe(false);
  await expect.poll(() => isRunning(pid), { timeout: 20_000 }).toBe(false);
});

/** False for a process that has ended, also when its parent has not collected it yet. */
function isRunning(pid: number): boolean {
  try {
    const state = /\) (\w) /.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'));
    return state?.[1] !== 'Z';
  } catch {
    // No such process, or no /proc on this system.
    return isSignalled(pid);
  }
}

function isSignalled(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
