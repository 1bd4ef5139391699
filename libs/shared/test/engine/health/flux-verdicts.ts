import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { KubeObject } from '@sluice/shared/api';

const run = promisify(execFile);
const source = join(import.meta.dirname, 'reference', 'main.go');
/** Its go.mod pins the libraries of Flux's controllers. */
const module = join(import.meta.dirname, '../../../../../tools/go/flux-controllers');

/** Milliseconds for the build, which compiles the libraries the first time. */
export const buildTimeoutMs = 30 * 60_000;

export interface FluxVerdict {
  status: string;
  message: string;
}

/** Judges objects with the libraries of Flux: Jobs by their end, all others by kstatus. */
export interface FluxVerdicts {
  of(objects: readonly KubeObject[]): Promise<FluxVerdict[]>;
  remove(): Promise<void>;
}

/** Builds the program that judges. */
export async function buildFluxVerdicts(): Promise<FluxVerdicts> {
  const folder = await mkdtemp(join(tmpdir(), 'verdicts-'));
  const program = join(folder, 'reference');
  const env = { ...process.env, CGO_ENABLED: '0', GOTOOLCHAIN: 'local', GOWORK: 'off' };
  const flags = ['-trimpath', '-buildvcs=false', '-mod=readonly'];
  await run('go', ['build', ...flags, '-o', program, source], { cwd: module, env });
  return {
    async of(objects) {
      const running = run(program, { maxBuffer: 64 * 1024 * 1024 });
      running.child.stdin?.end(JSON.stringify(objects));
      return JSON.parse((await running).stdout);
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
