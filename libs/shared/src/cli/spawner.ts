import { type ChildProcess, fork } from 'node:child_process';
import { CommandError, type RunOptions, type RunResult } from './run.ts';

/** Runs commands as {@link runCommand} does. */
export type RunCommand = (o: RunOptions) => Promise<RunResult>;

/** A small process that starts commands for a large one. */
export interface Spawner {
  run: RunCommand;
  /** Ends the process, and every command that it still runs. */
  close(): Promise<void>;
}

/** What is asked of the process. */
export type SpawnRequest =
  | { type: 'run'; id: number; options: Omit<RunOptions, 'signal'> }
  | { type: 'abort'; id: number };

/** What it answers. */
export type SpawnReply =
  | { id: number; result: RunResult }
  | { id: number; error: { code: CommandError['code']; message: string } };

interface Pending {
  resolve(result: RunResult): void;
  reject(error: CommandError): void;
}

/** It only passes on what commands say: a small heap keeps it cheap to fork. */
const nodeFlags = ['--disable-warning=ExperimentalWarning', '--max-semi-space-size=1'];

/**
 * Creates a spawner. Its process starts with the first command.
 *
 * Starting a process takes a time that grows with the memory of the one that starts it, and its event loop stands
 * still meanwhile: 15 to 24 ms at 200 MiB, 2 ms at 40. A small process in between keeps builds cheap.
 */
export function createSpawner(): Spawner {
  const pending = new Map<number, Pending>();
  let child: ChildProcess | undefined;
  let exited: Promise<void> = Promise.resolve();
  let nextId = 0;

  const failAll = (why: string) => {
    for (const { reject } of pending.values()) reject(new CommandError('failed', why));
    pending.clear();
  };
  const start = (): ChildProcess => {
    const started = fork(new URL('./spawn-worker.ts', import.meta.url), {
      execArgv: nodeFlags,
      serialization: 'advanced',
      env: {},
    });
    exited = new Promise((resolve) => started.once('exit', () => resolve()));
    started.on('message', (reply: SpawnReply) => settle(pending, reply));
    const onGone = (why: string) => {
      if (child !== started) return;
      child = undefined;
      failAll(why);
    };
    started.once('error', (error) => onGone(`the spawning process failed: ${error.message}`));
    started.once('exit', () => onGone('the spawning process ended; the command ended with it'));
    return started;
  };
  const send = (request: SpawnRequest) => {
    child ??= start();
    child.send(request);
  };

  return {
    async run({ signal, ...options }) {
      if (signal?.aborted)
        throw new CommandError('aborted', `${options.file} was not started: aborted`);
      const id = nextId++;
      const onAbort = () => send({ type: 'abort', id });
      const result = new Promise<RunResult>((resolve, reject) =>
        pending.set(id, { resolve, reject }),
      );
      send({ type: 'run', id, options });
      signal?.addEventListener('abort', onAbort, { once: true });
      try {
        return await result;
      } finally {
        signal?.removeEventListener('abort', onAbort);
      }
    },
    async close() {
      const running = child;
      child = undefined;
      running?.disconnect();
      failAll('the spawner was closed');
      await exited;
    },
  };
}

function settle(pending: Map<number, Pending>, reply: SpawnReply): void {
  const waiting = pending.get(reply.id);
  pending.delete(reply.id);
  if ('result' in reply) waiting?.resolve(reply.result);
  else waiting?.reject(new CommandError(reply.error.code, reply.error.message));
}
