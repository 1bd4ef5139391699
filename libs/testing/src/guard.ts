import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { compileCacheEnvironment } from './compile-cache.ts';

/** What the guard process is told, one JSON object a line. */
export type GuardOrder =
  | { watchGroup: number }
  | { forgetGroup: number }
  | { watchFolder: string }
  | { forgetFolder: string };

let stdin: Writable | undefined;

/** Tells the guard process, which is started on first use, what to clean up when this process ends. */
export function tellGuard(order: GuardOrder): void {
  stdin ??= startGuard();
  stdin.write(`${JSON.stringify(order)}\n`);
}

function startGuard(): Writable {
  const guard = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', join(import.meta.dirname, 'guard-main.ts')],
    { detached: true, stdio: ['pipe', 'ignore', 'inherit'], env: compileCacheEnvironment() },
  );
  // The guard ends when this process does: neither it nor its pipe may keep this process running.
  guard.unref();
  (guard.stdin as unknown as { unref(): void }).unref();
  return guard.stdin;
}

/** A private temporary folder; `remove` deletes it, the guard does when this process dies first. */
export async function temporaryFolder(
  prefix: string,
): Promise<{ path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), `sluice-${prefix}-`));
  tellGuard({ watchFolder: path });
  return {
    path,
    async remove() {
      await rm(path, { recursive: true, force: true, maxRetries: 5 });
      tellGuard({ forgetFolder: path });
    },
  };
}
