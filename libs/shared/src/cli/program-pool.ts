import { availableParallelism } from 'node:os';
import { FairSlots } from '@sluice/shared/base';
import { type ProgramCall, type ProgramOptions, ProgramWorker } from './program-worker.ts';
import { CommandError } from './run.ts';

/** How a pool of processes of one program is run. */
export interface ProgramPoolOptions extends ProgramOptions {
  /** Calls of one share at a time; as many as there are processors when not given. One more is for the others. */
  size?: number;
  /** Milliseconds after which a process without work ends. */
  idleMs?: number;
}

/** A call, and on whose behalf it is made. */
export interface PoolCall extends ProgramCall {
  /** Whose slot it takes: the namespace of the tenant. */
  share: string;
}

/** Processes of a program of ours, each of which answers one request after another. */
export interface ProgramPool {
  /**
   * Sends a request to a free process, or to a new one.
   *
   * A process that exceeds a limit, or whose call is aborted, is killed; the other calls go on. The time waited for a
   * free process does not count to `timeoutMs`.
   *
   * @returns the result, of whose shape the caller is sure
   * @throws ProgramError when the program refuses the request
   * @throws CommandError `timed-out`, `memory-limit`, `output-limit`, `aborted`, `not-found` or `failed`
   */
  call<T>(request: unknown, o: PoolCall): Promise<T>;
  /** The version that the program gives; starts a process if none was. */
  version(): Promise<string>;
  /** Ends all processes; calls that still run fail. */
  close(): Promise<void>;
}

const defaultIdleMs = 5 * 60_000;

class Pool implements ProgramPool {
  readonly #o: ProgramPoolOptions;
  readonly #slots: FairSlots;
  readonly #idle = new Map<ProgramWorker, NodeJS.Timeout>();
  readonly #all = new Set<ProgramWorker>();
  #version: Promise<string> | undefined;
  #closed = false;

  constructor(o: ProgramPoolOptions) {
    this.#o = o;
    this.#slots = FairSlots.withOneSpare(o.size ?? availableParallelism());
  }

  async call<T>(request: unknown, o: PoolCall): Promise<T> {
    const run = async () => {
      const worker = this.#take();
      try {
        return (await worker.call(request, o)) as T;
      } finally {
        this.#putBack(worker);
      }
    };
    try {
      return await this.#slots.run(o.share, run, o.signal);
    } catch (error) {
      // It may have aborted while the call waited for its turn.
      if (!o.signal?.aborted || error !== o.signal.reason) throw error;
      throw new CommandError('aborted', `${this.#o.name} was not asked: aborted`, { cause: error });
    }
  }

  version(): Promise<string> {
    this.#version ??= this.#askVersion().catch((error: unknown) => {
      this.#version = undefined;
      throw error;
    });
    return this.#version;
  }

  async #askVersion(): Promise<string> {
    const worker = this.#take();
    try {
      return await worker.version();
    } finally {
      this.#putBack(worker);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const timer of this.#idle.values()) clearTimeout(timer);
    this.#idle.clear();
    const all = [...this.#all];
    for (const worker of all) worker.kill();
    await Promise.all(all.map((worker) => worker.ended));
  }

  /** The one that ran last, so that the others get idle and end. */
  #take(): ProgramWorker {
    if (this.#closed)
      throw new CommandError('aborted', `${this.#o.name} was not asked: the controller stops`);
    const latest = [...this.#idle.keys()].filter((worker) => worker.usable).at(-1);
    if (latest === undefined) return this.#start();
    clearTimeout(this.#idle.get(latest));
    this.#idle.delete(latest);
    return latest;
  }

  #start(): ProgramWorker {
    const worker = new ProgramWorker(this.#o);
    this.#all.add(worker);
    void worker.ended.then(() => {
      clearTimeout(this.#idle.get(worker));
      this.#idle.delete(worker);
      this.#all.delete(worker);
    });
    return worker;
  }

  #putBack(worker: ProgramWorker): void {
    if (!worker.usable) return;
    // What one call left behind must not count against the next.
    if (worker.residentBytes > this.#o.maxRssBytes / 2) {
      worker.end();
      return;
    }
    const timer = setTimeout(() => {
      this.#idle.delete(worker);
      worker.end();
    }, this.#o.idleMs ?? defaultIdleMs);
    timer.unref();
    this.#idle.set(worker, timer);
  }
}

/** Creates a pool; its processes start with the calls. */
export function createProgramPool(o: ProgramPoolOptions): ProgramPool {
  return new Pool(o);
}
