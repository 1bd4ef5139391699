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
  /** Milliseconds that a call waits for a process which is at work, before another one is started for it. */
  patienceMs?: number;
}

/** A call, and on whose behalf it is made. */
export interface PoolCall extends ProgramCall {
  /** Whose slot it takes: the namespace of the tenant. */
  share: string;
}

/** Processes of a program of ours, each of which answers one request after another. */
export interface ProgramPool {
  /**
   * Sends a request to a free process, or to a new one when none gets free within a moment: a burst of short calls
   * goes through few processes, and long ones run beside each other.
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
/** Many times what most calls take, and little beside what a call takes that is worth a process of its own. */
const defaultPatienceMs = 100;

class Pool implements ProgramPool {
  readonly #o: ProgramPoolOptions;
  readonly #slots: FairSlots;
  readonly #idle = new Map<ProgramWorker, NodeJS.Timeout>();
  readonly #all = new Set<ProgramWorker>();
  /** Calls that wait for a process, in order; each takes the process, or undefined to start one. */
  readonly #waiting = new Set<(worker?: ProgramWorker) => void>();
  #version: Promise<string> | undefined;
  #closed = false;

  constructor(o: ProgramPoolOptions) {
    this.#o = o;
    this.#slots = FairSlots.withOneSpare(o.size ?? availableParallelism());
  }

  async call<T>(request: unknown, o: PoolCall): Promise<T> {
    const run = async () => {
      const worker = await this.#take();
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
    const worker = await this.#take();
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
    for (const settle of this.#waiting) settle();
    await Promise.all(all.map((worker) => worker.ended));
  }

  async #take(): Promise<ProgramWorker> {
    const idle = this.#takeIdle();
    if (idle !== undefined) return idle;
    const isAnyBusy = [...this.#all].some((worker) => worker.usable);
    return (isAnyBusy ? await this.#nextFree() : undefined) ?? this.#start();
  }

  /** The one that ran last, so that the others get idle and end. */
  #takeIdle(): ProgramWorker | undefined {
    const latest = [...this.#idle.keys()].filter((worker) => worker.usable).at(-1);
    if (latest === undefined) return undefined;
    clearTimeout(this.#idle.get(latest));
    this.#idle.delete(latest);
    return latest;
  }

  /** The process that is put back next; undefined when that takes too long, or when it is of no use any more. */
  #nextFree(): Promise<ProgramWorker | undefined> {
    return new Promise((resolve) => {
      const settle = (worker?: ProgramWorker) => {
        clearTimeout(timer);
        this.#waiting.delete(settle);
        resolve(worker);
      };
      const timer = setTimeout(settle, this.#o.patienceMs ?? defaultPatienceMs);
      this.#waiting.add(settle);
    });
  }

  #start(): ProgramWorker {
    if (this.#closed)
      throw new CommandError('aborted', `${this.#o.name} was not asked: the controller stops`);
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
    // What one call left behind must not count against the next.
    if (worker.usable && worker.residentBytes > this.#o.maxRssBytes / 2) worker.end();
    const [next] = this.#waiting;
    if (next !== undefined) {
      next(worker.usable ? worker : undefined);
      return;
    }
    if (!worker.usable) return;
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
