// Runs as its own process beside the tests. It is told on stdin which process groups and folders belong to
// them; when stdin closes, because the tests ended or were killed, it removes whatever is left.
import { rmSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { GuardOrder } from './guard.ts';

const groups = new Set<number>();
const folders = new Set<string>();

function obey(order: GuardOrder): void {
  if ('watchGroup' in order) groups.add(order.watchGroup);
  if ('forgetGroup' in order) groups.delete(order.forgetGroup);
  if ('watchFolder' in order) folders.add(order.watchFolder);
  if ('forgetFolder' in order) folders.delete(order.forgetFolder);
}

function cleanUp(): void {
  for (const group of groups) {
    try {
      process.kill(-group, 'SIGKILL');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') console.error(error);
    }
  }
  for (const folder of folders) rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}

// Ctrl-C reaches the tests as well; the guard has to outlive them.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});

const lines = createInterface({ input: process.stdin });
lines.on('line', (line) => obey(JSON.parse(line) as GuardOrder));
lines.on('close', cleanUp);
