// npm run bench -- start-up [--n RUNS]: how long a controller takes from the start of its process until it says that it
// is ready, and the CPU time that it took, beside an empty Node program with the same flags in the same run.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import {
  type ControllerName,
  controllerNames,
  freePorts,
  toolPath,
  usageOf,
} from '@sluice/testing';
import { nodeEnvironment, nodeFlagsOf } from '../tools/bundle/node-flags.ts';
import { argument, type Bench, percentile, withBench } from './setup.ts';

const root = join(import.meta.dirname, '..');
const runs = Number(argument('n', '10'));
const pollMs = 2;
const limitMs = 30_000;

await withBench(async (bench) => {
  const samples = new Map<string, Sample[]>();
  // In turns, so that all see the same machine; the first round fills caches and does not count.
  for (let round = 0; round <= runs; round++) {
    const results: [string, Sample][] = [['node', await emptyProgram()]];
    for (const name of controllerNames) results.push([name, await startUp(bench, name)]);
    if (round === 0) continue;
    for (const [name, sample] of results) samples.set(name, [...(samples.get(name) ?? []), sample]);
  }
  const baseline = percentile(
    (samples.get('node') ?? []).map(({ ms }) => ms),
    50,
  );
  for (const [name, values] of samples) print(name, values, baseline);
});

function print(name: string, values: Sample[], baseline: number): void {
  const times = values.map(({ ms }) => ms);
  const [p50, p95] = [percentile(times, 50), percentile(times, 95)];
  const cpu = percentile(
    values.map(({ cpuMs }) => cpuMs),
    50,
  );
  console.log(
    `${name}: ready after p50 ${p50.toFixed(0)} ms, p95 ${p95.toFixed(0)} ms, ${(p50 / baseline).toFixed(1)} × node -e ''; CPU p50 ${cpu.toFixed(0)} ms (${runs} runs)`,
  );
}

/** CPU counts the threads of Node, too; 0 where the process has ended. */
interface Sample {
  ms: number;
  cpuMs: number;
}

async function emptyProgram(): Promise<Sample> {
  const startedAt = performance.now();
  await once(spawn(process.execPath, ['-e', '']), 'exit');
  return { ms: performance.now() - startedAt, cpuMs: 0 };
}

async function startUp(bench: Bench, name: ControllerName): Promise<Sample> {
  const dir = await mkdtemp(join(bench.dir, `${name}-`));
  const addresses = (await freePorts(4)).map((port) => `127.0.0.1:${port}`);
  const [health, metrics, first, second] = addresses as [string, string, string, string];
  const specific: Record<ControllerName, string[]> = {
    'source-controller': [
      `--storage-path=${join(dir, 'data')}`,
      `--storage-addr=${first}`,
      `--storage-adv-addr=${first}`,
      `--notation-verifier=${toolPath('notation-verifier')}`,
    ],
    'kustomize-controller': [
      `--kustomize-builder=${toolPath('kustomize-builder')}`,
      `--work-path=${join(dir, 'work')}`,
    ],
    'helm-controller': [
      `--kustomize-builder=${toolPath('kustomize-builder')}`,
      `--helm-renderer=${toolPath('helm-renderer')}`,
      `--work-path=${join(dir, 'work')}`,
    ],
    'notification-controller': [`--events-addr=${first}`, `--receiverAddr=${second}`],
  };
  const startedAt = performance.now();
  const child = spawn(
    process.execPath,
    [
      ...nodeFlagsOf(name),
      join(root, 'dist', name, 'main.mjs'),
      `--kubeconfig=${bench.controlPlane.kubeconfigPath}`,
      `--nats-url=${bench.nats.url}`,
      `--outbox-path=${join(dir, 'outbox')}`,
      `--health-addr=${health}`,
      `--metrics-addr=${metrics}`,
      ...specific[name],
    ],
    { stdio: 'ignore', env: nodeEnvironment },
  );
  const exited = once(child, 'exit');
  try {
    await untilReady(`http://${health}/readyz`, name);
    const ms = performance.now() - startedAt;
    return { ms, cpuMs: (await usageOf(child.pid)).cpuSeconds * 1000 };
  } finally {
    child.kill('SIGKILL');
    await exited;
  }
}

async function untilReady(url: string, name: string): Promise<void> {
  const deadline = performance.now() + limitMs;
  for (;;) {
    const answer = await fetch(url).catch(() => undefined);
    await answer?.body?.cancel();
    if (answer?.ok) return;
    if (performance.now() > deadline) throw new Error(`${name} was not ready after ${limitMs} ms`);
    await delay(pollMs);
  }
}
