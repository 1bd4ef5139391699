import { errorMessage } from '@sluice/shared/base';
import { execa } from 'execa';
import { residentBytes, watchMemory } from './memory-limit.ts';
import { encodeFrame, FrameError, FrameReader } from './program-frames.ts';
import { CommandError } from './run.ts';

/** What a program of ours refused, in words that hold nothing of its input. */
export class ProgramError extends Error {
  override name = 'ProgramError';
  /** What is wrong, as the program names it; `internal` when it does not know. */
  readonly kind: string;
  readonly details: unknown;
  /** @param options.cause what the host last threw at a question, if anything */
  constructor(kind: string, message: string, options: { details?: unknown; cause?: unknown } = {}) {
    super(message, options);
    this.kind = kind;
    this.details = options.details;
  }
}

/** How a program is run. */
export interface ProgramOptions {
  /** Its name in messages. */
  name: string;
  /** Name or path of the program. */
  file: string;
  args?: string[];
  /** The only environment that it sees. */
  env?: Record<string, string>;
  /** Limit of its resident memory during a call, in bytes. Linux only. */
  maxRssBytes: number;
  /** Limit of one answer or question, in bytes. */
  maxOutputBytes: number;
}

/** One call of a program. */
export interface ProgramCall {
  timeoutMs: number;
  signal?: AbortSignal;
  /**
   * Answers what the program asks meanwhile. What it throws is told to the program as a refusal, with its message.
   *
   * @returns a JSON value
   */
  onQuestion?(method: string, params: unknown): Promise<unknown>;
}

interface Message {
  ready?: { version: string };
  question?: { method: string; params: unknown };
  result?: unknown;
  error?: { kind: string; message: string; details?: unknown };
}

interface Running {
  call: ProgramCall;
  hostError?: unknown;
  resolve(result: unknown): void;
  reject(error: Error): void;
}

/** The process ends by itself when its standard input does, so that none outlives this one. */
function startProcess({ file, args = [], env = {} }: ProgramOptions) {
  return execa(file, args, {
    env,
    extendEnv: false,
    preferLocal: false,
    // A signal to the service's process group is the service's business.
    detached: true,
    reject: false,
    buffer: false,
    stdin: 'pipe',
    stdout: 'pipe',
    // A crash prints what it stumbled over, which can be a secret.
    stderr: 'ignore',
  });
}

/** A process that answers one request after another. */
export class ProgramWorker {
  readonly #o: ProgramOptions;
  readonly #child: ReturnType<typeof startProcess>;
  readonly #frames: FrameReader;
  readonly #ready: Promise<string>;
  #setReady: (version: string) => void = () => undefined;
  #running: Running | undefined;
  #failure: CommandError | undefined;
  /** Resolves when the process is gone. */
  readonly ended: Promise<void>;

  constructor(o: ProgramOptions) {
    this.#o = o;
    this.#frames = new FrameReader(o.maxOutputBytes);
    this.#ready = new Promise((resolve) => {
      this.#setReady = resolve;
    });
    this.#child = startProcess(o);
    // Its end, of which the process's own tells, is an error here when something was being written.
    this.#child.stdin.on('error', () => undefined);
    this.#child.stdout.on('data', (chunk: Buffer) => this.#onData(chunk));
    this.ended = this.#child.then((result) => this.#onEnd(result));
  }

  /** Whether it takes another call. */
  get usable(): boolean {
    return this.#failure === undefined;
  }

  /** Its resident memory in bytes; 0 where that is not known. */
  get residentBytes(): number {
    return (this.#child.pid && residentBytes(this.#child.pid)) || 0;
  }

  /** The version that it gives; rejects with a CommandError when it ends before. */
  async version(): Promise<string> {
    return Promise.race([
      this.#ready,
      this.ended.then(() => {
        throw this.#failure;
      }),
    ]);
  }

  /**
   * Sends a request and waits for what it comes to. One at a time.
   *
   * @throws ProgramError when the program refuses it
   * @throws CommandError `timed-out`, `memory-limit`, `output-limit`, `aborted`, `not-found` or `failed`; the process
   *   is gone then
   */
  async call(request: unknown, call: ProgramCall): Promise<unknown> {
    const { name, maxRssBytes } = this.#o;
    const { timeoutMs, signal } = call;
    if (signal?.aborted) throw new CommandError('aborted', `${name} was stopped: aborted`);
    const stop = (code: CommandError['code'], why: string) => () =>
      this.#fail(new CommandError(code, `${name} ${why}`));
    const timer = setTimeout(stop('timed-out', `took longer than ${timeoutMs} ms`), timeoutMs);
    const tooLarge = stop('memory-limit', `took more than ${maxRssBytes} bytes of memory`);
    const memory = watchMemory(this.#child.pid, maxRssBytes, tooLarge);
    const onAbort = stop('aborted', 'was stopped: aborted');
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      return await new Promise((resolve, reject) => {
        this.#running = { call, resolve, reject };
        if (this.#failure !== undefined) reject(this.#failure);
        else this.#write({ request });
      });
    } finally {
      this.#running = undefined;
      clearTimeout(timer);
      memory.stop();
      signal?.removeEventListener('abort', onAbort);
    }
  }

  /** Lets an idle process end. */
  end(): void {
    this.#failure ??= new CommandError('failed', `${this.#o.name} was ended`);
    this.#child.stdin.end();
  }

  /** Ends the process whatever it does; a call that runs fails. */
  kill(): void {
    this.#fail(new CommandError('aborted', `${this.#o.name} was stopped: the controller stops`));
  }

  #fail(failure: CommandError): void {
    this.#failure ??= failure;
    this.#running?.reject(this.#failure);
    const { pid } = this.#child;
    if (pid === undefined) return;
    try {
      process.kill(-pid, 'SIGKILL');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }

  #write(message: unknown): void {
    if (this.usable) this.#child.stdin.write(encodeFrame(message));
  }

  #onData(chunk: Buffer): void {
    if (!this.usable) return;
    try {
      for (const value of this.#frames.push(chunk)) this.#onMessage(value as Message);
    } catch (error) {
      const { name, maxOutputBytes } = this.#o;
      const tooLong = error instanceof FrameError && error.tooLong;
      this.#fail(
        tooLong
          ? new CommandError('output-limit', `${name} wrote more than ${maxOutputBytes} bytes`)
          : new CommandError('failed', `${name} wrote what is no answer`, { cause: error }),
      );
    }
  }

  #onMessage({ ready, question, error, result }: Message): void {
    if (ready !== undefined) {
      this.#setReady(ready.version);
      return;
    }
    const running = this.#running;
    if (running === undefined) throw new Error('an answer to nothing');
    if (question !== undefined) void this.#answer(running, question);
    else if (error === undefined) running.resolve(result);
    else {
      const { kind, message, details } = error;
      running.reject(new ProgramError(kind, message, { details, cause: running.hostError }));
    }
  }

  async #answer(running: Running, { method, params }: NonNullable<Message['question']>) {
    try {
      if (running.call.onQuestion === undefined) throw new Error(`nobody answers '${method}'`);
      const answer = await running.call.onQuestion(method, params);
      if (this.#running === running) this.#write({ answer: answer ?? null });
    } catch (error) {
      running.hostError = error;
      if (this.#running === running) this.#write({ refusal: { message: errorMessage(error) } });
    }
  }

  #onEnd(result: { code?: string; exitCode?: number; signal?: string }): void {
    const { name, file } = this.#o;
    const how = result.signal ?? `exit code ${result.exitCode}`;
    const missing = result.code === 'ENOENT' && result.exitCode === undefined;
    this.#failure ??= missing
      ? new CommandError('not-found', `program '${file}' was not found`)
      : new CommandError('failed', `${name} ended unexpectedly (${how})`);
    this.#running?.reject(this.#failure);
  }
}
