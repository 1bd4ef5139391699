import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { tellGuard } from './guard.ts';

export interface ServerOptions {
  file: string;
  args: string[];
  /** The server's output, appended. */
  logFile: string;
  env?: Record<string, string>;
  /** Resolves to true once the server answers; asked every 50 ms. */
  isReady: () => Promise<boolean>;
  /** How long the server may take to get ready, in milliseconds. */
  readyTimeoutMs?: number;
}

/** A server under test: started, killed and started again at will, and gone when the test process is. */
export class ServerProcess {
  readonly #options: ServerOptions;
  #child: ChildProcess | undefined;
  #exited: Promise<void> = Promise.resolve();
  #spawnError = '';

  constructor(options: ServerOptions) {
    this.#options = options;
  }

  /** Process id while running. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /**
   * Starts the server and waits until it is ready.
   *
   * @throws Error with the end of the log when it exits first or is not ready in time
   */
  async start(): Promise<void> {
    if (this.#child) throw new Error(`${this.#name} is already running`);
    const log = openSync(this.#options.logFile, 'a');
    // Its own process group, so that the guard can kill the server with everything that it started.
    const child = spawn(this.#options.file, this.#options.args, {
      detached: true,
      stdio: ['ignore', log, log],
      env: this.#options.env ?? {},
    });
    closeSync(log);
    this.#child = child;
    this.#exited = new Promise((resolve) => {
      child.once('error', (error) => {
        this.#spawnError = error.message;
        resolve(this.#forget(child));
      });
      child.once('exit', () => resolve(this.#forget(child)));
    });
    child.unref();
    if (child.pid !== undefined) tellGuard({ watchGroup: child.pid });
    await this.#ready(child);
  }

  /** Resolves when the server, once started, is gone. */
  get gone(): Promise<void> {
    return this.#exited;
  }

  /** Sends a signal to the server's process group, for instance SIGSTOP; does nothing when not running. */
  signal(signal: NodeJS.Signals): void {
    if (this.#child?.pid !== undefined) process.kill(-this.#child.pid, signal);
  }

  /** Kills the server at once and waits until it is gone. */
  async kill(): Promise<void> {
    this.signal('SIGKILL');
    await this.#ended();
  }

  /** Asks the server to end, kills it when it has not after `graceMs`, and waits until it is gone. */
  async stop(graceMs = 5000): Promise<void> {
    this.signal('SIGTERM');
    const timer = setTimeout(() => this.signal('SIGKILL'), graceMs);
    await this.#ended();
    clearTimeout(timer);
  }

  /** The last lines that the server wrote. */
  log(lines = 20): string {
    return readFileSync(this.#options.logFile, 'utf8')
      .trimEnd()
      .split('\n')
      .slice(-lines)
      .join('\n');
  }

  /** A running server does not keep this process alive, except while someone waits for its end. */
  #ended(): Promise<void> {
    this.#child?.ref();
    return this.#exited;
  }

  get #name(): string {
    return basename(this.#options.file);
  }

  #forget(child: ChildProcess): void {
    if (child.pid !== undefined) tellGuard({ forgetGroup: child.pid });
    if (this.#child === child) this.#child = undefined;
  }

  async #ready(child: ChildProcess): Promise<void> {
    const { isReady, readyTimeoutMs = 60_000 } = this.#options;
    const deadline = Date.now() + readyTimeoutMs;
    while (!(await isReady())) {
      if (this.#child !== child) {
        throw new Error(`${this.#name} ended at start:\n${this.#spawnError || this.log()}`);
      }
      if (Date.now() > deadline) {
        await this.kill();
        throw new Error(`${this.#name} was not ready after ${readyTimeoutMs} ms:\n${this.log()}`);
      }
      await delay(50);
    }
  }
}
