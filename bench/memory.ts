// npm run bench -- memory [--seconds 60]: the anonymous memory of each controller that has nothing to do, after that
// time, beside Node programs that do nothing, with the same flags and with none.
import { type ChildProcess, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { nodeEnvironment } from '../tools/bundle/node-flags.ts';
import { argument, nodeArgsOf, withBench } from './setup.ts';

const seconds = Number(argument('seconds', '60'));
const nothing = 'setInterval(() => {}, 1e6)';

interface Memory {
  anonymous: number;
  resident: number;
  peak: number;
}

/** In MiB. */
async function memoryOf(pid: number | undefined): Promise<Memory> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const field = (name: string) =>
    Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1]) / 1024;
  return { anonymous: field('RssAnon'), resident: field('VmRSS'), peak: field('VmHWM') };
}

function print(name: string, { anonymous, resident, peak }: Memory): void {
  console.log(
    `${name}: ${anonymous.toFixed(1)} MiB anonymous, ${resident.toFixed(1)} MiB resident, ${peak.toFixed(1)} MiB at most`,
  );
}

const empty = (flags: readonly string[], env = {}): ChildProcess =>
  spawn(process.execPath, [...flags, '-e', nothing], { stdio: 'ignore', env });

await withBench(async (bench) => {
  const programs = {
    'node, no flags': empty([]),
    'node, as images run it': empty(nodeArgsOf('source-controller'), nodeEnvironment),
  };
  try {
    const controllers = await bench.controllers({});
    await delay(seconds * 1000);
    for (const [name, { pid }] of Object.entries(programs)) print(name, await memoryOf(pid));
    for (const { name, pid } of Object.values(controllers.processes)) {
      print(name, await memoryOf(pid));
    }
  } finally {
    for (const child of Object.values(programs)) child.kill('SIGKILL');
  }
});
