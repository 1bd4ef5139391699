// The process behind createSpawner: runs the commands it is sent and ends, with all of them, when its parent is gone.
import { errorMessage } from '@sluice/shared/base';
import { CommandError, runCommand } from './run.ts';
import type { SpawnReply, SpawnRequest } from './spawner.ts';

const running = new Map<number, { abort: AbortController; ended: Promise<void> }>();

function reply(message: SpawnReply): void {
  if (process.connected) process.send?.(message);
}

async function run({ id, options }: Extract<SpawnRequest, { type: 'run' }>, signal: AbortSignal) {
  try {
    reply({ id, result: await runCommand({ ...options, signal }) });
  } catch (error) {
    const code = error instanceof CommandError ? error.code : 'failed';
    reply({ id, error: { code, message: errorMessage(error) } });
  } finally {
    running.delete(id);
  }
}

process.on('message', (request: SpawnRequest) => {
  if (request.type === 'abort') {
    running.get(request.id)?.abort.abort();
    return;
  }
  const abort = new AbortController();
  running.set(request.id, { abort, ended: run(request, abort.signal) });
});

process.once('disconnect', async () => {
  const all = [...running.values()];
  for (const { abort } of all) abort.abort();
  await Promise.all(all.map(({ ended }) => ended));
  process.exit(0);
});

// A signal to the service's process group is the service's business.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => undefined);
