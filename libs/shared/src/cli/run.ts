import { execa, type Options } from 'execa';
import { watchMemory } from './memory-limit.ts';

/** What a finished command left behind. */
export interface RunResult {
  stdout: string;
  stderr: string;
  /** -1 when it was ended by a signal or could not be started. */
  exitCode: number;
  timedOut: boolean;
}

/** How to run a command. */
export interface RunOptions {
  /** Name or path of the program; never a shell line. */
  file: string;
  args: string[];
  input?: string | Uint8Array;
  cwd?: string;
  /** The only environment the command sees. */
  env?: Record<string, string>;
  timeoutMs: number;
  /** Limit of standard output and of standard error, each, in bytes. */
  maxOutputBytes: number;
  /** Limit of the program's resident memory in bytes; what its own children take does not count. Linux only. */
  maxRssBytes?: number;
  /** How standard output and standard error are returned; utf8 when absent. */
  outputEncoding?: 'utf8' | 'base64';
  signal?: AbortSignal;
}

/** A command that could not be run to its end. */
export class CommandError extends Error {
  override name = 'CommandError';
  readonly code: 'not-found' | 'output-limit' | 'memory-limit' | 'timed-out' | 'aborted' | 'failed';
  constructor(code: CommandError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Whether an error comes from a program that took too much memory or wrote too much, whatever it was made into. */
export function isOverLimit({ cause }: Error): boolean {
  return cause instanceof CommandError && ['memory-limit', 'output-limit'].includes(cause.code);
}

/** Milliseconds between the request to stop and the kill of a process group. */
const killDelayMs = 2000;

function endGroup(pid: number, signal: 'SIGTERM' | 'SIGKILL'): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Ends the whole process group on request, first politely. Returns what to call once the command is gone. */
function groupKiller(pid: number | undefined): { end(): void; kill(): void; cleanUp(): void } {
  let timer: NodeJS.Timeout | undefined;
  return {
    end() {
      if (pid === undefined || timer !== undefined) return;
      endGroup(pid, 'SIGTERM');
      timer = setTimeout(() => endGroup(pid, 'SIGKILL'), killDelayMs);
    },
    kill() {
      if (pid !== undefined) endGroup(pid, 'SIGKILL');
    },
    cleanUp() {
      if (timer === undefined || pid === undefined) return;
      clearTimeout(timer);
      endGroup(pid, 'SIGKILL');
    },
  };
}

interface ProgramEnd {
  code?: string;
  exitCode?: number;
  failed: boolean;
  shortMessage?: string;
}

function checkStarted(file: string, end: ProgramEnd, pid: number | undefined): void {
  if (end.code === 'ENOENT' && end.exitCode === undefined)
    throw new CommandError('not-found', `program '${file}' was not found`);
  if (end.failed && pid === undefined)
    throw new CommandError('failed', `${file} could not be started: ${end.shortMessage}`);
}

/**
 * Runs a command in a process group of its own, without a shell and with nothing of our environment.
 * The whole group is ended on timeout, on abort, and when the output or its memory grows too large.
 *
 * @returns also for a non-zero exit code and for a timeout
 * @throws CommandError `not-found` when the program does not exist, `output-limit`, `memory-limit`, `aborted` by the
 *   signal, or `failed`
 */
export async function runCommand(o: RunOptions): Promise<RunResult> {
  if (o.signal?.aborted) throw new CommandError('aborted', `${o.file} was not started: aborted`);
  const options = {
    ...(o.cwd === undefined ? {} : { cwd: o.cwd }),
    ...(o.input === undefined ? { stdin: 'ignore' as const } : { input: o.input }),
    env: o.env ?? {},
    extendEnv: false,
    preferLocal: false,
    detached: true,
    reject: false,
    stripFinalNewline: false,
    maxBuffer: o.maxOutputBytes,
    encoding: o.outputEncoding ?? 'utf8',
  } satisfies Options;
  const child = execa(o.file, o.args, options);
  const group = groupKiller(child.pid);
  let timedOut = false;
  let aborted = false;
  let memoryExceeded = false;
  const memory = watchMemory(child.pid, o.maxRssBytes, () => {
    memoryExceeded = true;
    group.kill();
  });
  const onAbort = () => {
    aborted = true;
    group.end();
  };
  const timer = setTimeout(() => {
    timedOut = true;
    group.end();
  }, o.timeoutMs);
  o.signal?.addEventListener('abort', onAbort, { once: true });
  try {
    const result = await child;
    if (aborted) throw new CommandError('aborted', `${o.file} was stopped: aborted`);
    if (memoryExceeded) {
      throw new CommandError(
        'memory-limit',
        `${o.file} took more than ${o.maxRssBytes} bytes of memory`,
      );
    }
    if (result.isMaxBuffer) {
      group.end();
      throw new CommandError('output-limit', `${o.file} wrote more than ${o.maxOutputBytes} bytes`);
    }
    checkStarted(o.file, result, child.pid);
    const { stdout = '', stderr = '', exitCode = -1 } = result;
    return { stdout, stderr, exitCode, timedOut };
  } finally {
    clearTimeout(timer);
    memory.stop();
    o.signal?.removeEventListener('abort', onAbort);
    group.cleanUp();
  }
}
