// A control plane and a NATS server that stay up between test runs, for people working on this repository:
//   node tools/dev-cluster.ts up     starts them in the background and prints where their coordinates are
//   node tools/dev-cluster.ts env    prints the coordinates as shell exports
//   node tools/dev-cluster.ts crds   applies the charts' CRDs again
//   node tools/dev-cluster.ts down   stops them
import { spawn } from 'node:child_process';
import { openSync } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { installCrds, startControlPlane, startNats } from '@sluice/testing';
import { provision, type ToolName } from './provision/index.ts';
import { commandTools, serverTools } from './test/cluster-tools.ts';

const root = join(import.meta.dirname, '..');
const stateDir = join(root, '.sluice');
const dataDir = join(stateDir, 'dev');
const envFile = join(stateDir, 'dev.env');
const pidFile = join(stateDir, 'dev.pid');
const startTimeoutMs = 180_000;

const tools: ToolName[] = [...serverTools, ...commandTools, 'helm'];

async function up(): Promise<void> {
  if (await runningPid()) {
    console.error('Already up.');
    return;
  }
  await rm(envFile, { force: true });
  await mkdir(dataDir, { recursive: true });
  process.env['SLUICE_TOOLS'] = JSON.stringify(await provision(tools));
  const log = openSync(join(stateDir, 'dev.log'), 'a');
  const server = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', import.meta.filename, 'serve'],
    { cwd: root, detached: true, stdio: ['ignore', log, log], env: process.env },
  );
  server.unref();
  const deadline = Date.now() + startTimeoutMs;
  while ((await coordinates()) === undefined) {
    if (server.exitCode !== null || Date.now() > deadline) {
      throw new Error(`the development cluster did not start: see ${join(stateDir, 'dev.log')}`);
    }
    await delay(100);
  }
  console.error(`Up. Use it with: . ${envFile}`);
}

/** Runs in the background process: holds the servers until it is told to end. */
async function serve(): Promise<void> {
  const stopped = new Promise((resolve) => {
    process.once('SIGTERM', resolve);
    process.once('SIGINT', resolve);
  });
  // The servers do not keep this process alive by themselves.
  const alive = setInterval(() => {}, 60_000);
  await writeFile(pidFile, String(process.pid));
  await rm(dataDir, { recursive: true, force: true });
  await mkdir(join(dataDir, 'nats'), { recursive: true });
  const controlPlane = await startControlPlane({ dir: join(dataDir, 'control-plane') });
  const nats = await startNats({ dir: join(dataDir, 'nats') });
  // A definition that is being worked on may be refused: that is no reason to have no cluster.
  await installCrds(root, controlPlane.kubeconfigPath).catch((error: Error) => {
    console.error(error.message);
  });
  const lines = Object.entries({
    SLUICE_TEST_KUBECONFIG: controlPlane.kubeconfigPath,
    SLUICE_TEST_NATS_URL: nats.url,
    SLUICE_TOOLS: process.env['SLUICE_TOOLS'] ?? '{}',
  }).map(([name, value]) => `export ${name}='${value.replaceAll("'", "'\\''")}'\n`);
  await writeFile(`${envFile}.new`, lines.join(''));
  await rename(`${envFile}.new`, envFile);
  await stopped;
  clearInterval(alive);
  await rm(envFile, { force: true });
  await Promise.all([controlPlane.stop(), nats.stop()]);
  await rm(pidFile, { force: true });
}

async function down(): Promise<void> {
  const pid = await runningPid();
  if (pid === undefined) return;
  process.kill(pid, 'SIGTERM');
  while (await runningPid()) await delay(50);
}

async function env(): Promise<void> {
  const text = await coordinates();
  if (text === undefined) throw new Error('not up: run `node tools/dev-cluster.ts up` first');
  process.stdout.write(text);
}

async function crds(): Promise<void> {
  const kubeconfig = join(dataDir, 'control-plane', 'kubeconfig');
  console.error(`Applied: ${(await installCrds(root, kubeconfig)).join(', ') || 'none found'}`);
}

async function coordinates(): Promise<string | undefined> {
  return readFile(envFile, 'utf8').catch(() => undefined);
}

async function runningPid(): Promise<number | undefined> {
  const pid = Number(await readFile(pidFile, 'utf8').catch(() => ''));
  if (!pid) return undefined;
  try {
    process.kill(pid, 0);
    return pid;
  } catch {
    // The process of that id has ended without removing its file.
    return undefined;
  }
}

const commands: Record<string, () => Promise<void>> = { up, down, env, crds, serve };
const command = commands[process.argv[2] ?? ''];
if (!command) {
  console.error('usage: node tools/dev-cluster.ts up|down|env|crds');
  process.exitCode = 2;
} else {
  await command();
}
