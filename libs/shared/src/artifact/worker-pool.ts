import { Worker } from 'node:worker_threads';
import { BudgetError, FairSlots, formatDuration } from '../base/index.ts';

interface Task {
  id: number;
  message: unknown;
  resolve: (value: never) => void;
  reject: (error: Error) => void;
}

interface Reply {
  id: number;
  value?: never;
  error?: { name: string; message: string };
}

/** How a worker's error becomes one of the caller's classes again. */
export type ErrorFactory = (name: string, message: string) => Error;

/** For whom a task is run, and until when. */
export interface TaskOptions {
  /** Whose turn it takes, such as a namespace; tasks without one share theirs. */
  share?: string;
  /** Ends the task, whatever it is doing, or its waiting. */
  signal?: AbortSignal;
}

export interface WorkerPoolOptions {
  /** The worker's main file; it calls `serveTasks`. */
  url: URL;
  /** Most threads. */
  size: number;
  /** Most tasks of one share at a time; one thread less than there are, unless told, so that one stays for others. */
  perShare?: number;
  /** Milliseconds after which a thread without work ends. */
  idleMs?: number;
  toError?: ErrorFactory;
  /** What one task may take of the heap, in MiB; a task that needs more fails alone. */
  maxHeapMb?: number;
  /** Milliseconds that one task may take; 5 minutes unless told. */
  deadlineMs?: number;
}

const defaultIdleMs = 10_000;
const defaultDeadlineMs = 300_000;

/**
 * Runs tasks in worker threads, so that the event loop stays free. Threads start when there is work and end after a
 * while without; each runs one task at a time. Of the tasks that wait, shares take turns. A task that is aborted, or
 * exceeds a limit, ends with its thread, and no other task notices.
 */
export class WorkerPool {
  readonly #o: WorkerPoolOptions;
  readonly #slots: FairSlots;
  readonly #idle = new Set<Thread>();
  #nextId = 0;

  constructor(o: WorkerPoolOptions) {
    this.#o = o;
    const perShare = o.perShare ?? Math.max(1, o.size - 1);
    this.#slots = new FairSlots({ total: o.size, perShare });
  }

  /**
   * Runs one task.
   *
   * @throws the worker's error; the signal's reason when it aborts; BudgetError when the task takes more memory or time
   *   than it may
   */
  run<T>(message: unknown, { share = '', signal }: TaskOptions = {}): Promise<T> {
    return this.#slots.run(share, () => this.#runNow<T>(message, signal), signal);
  }

  async #runNow<T>(message: unknown, signal: AbortSignal | undefined): Promise<T> {
    // It may have aborted between getting the slot and now.
    signal?.throwIfAborted();
    const [idle] = this.#idle;
    if (idle !== undefined) this.#idle.delete(idle);
    const thread = idle ?? this.#start();
    const deadlineMs = this.#o.deadlineMs ?? defaultDeadlineMs;
    const onAbort = () => thread.end(signal?.reason as Error);
    const timer = setTimeout(
      () => thread.end(new BudgetError(`not finished within ${formatDuration(deadlineMs)}`)),
      deadlineMs,
    );
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      return await new Promise<T>((resolve, reject) => {
        thread.run({ id: this.#nextId++, message, resolve, reject });
      });
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
    }
  }

  #start(): Thread {
    return new Thread({
      url: this.#o.url,
      idleMs: this.#o.idleMs ?? defaultIdleMs,
      toError: this.#o.toError ?? ((_, message) => new Error(message)),
      maxHeapMb: this.#o.maxHeapMb,
      onIdle: (thread) => this.#idle.add(thread),
      onEnd: (thread) => this.#idle.delete(thread),
    });
  }
}

/** Half of Node's default: what tasks read is outside of the heap. */
const maxYoungGenerationSizeMb = 16;

interface ThreadOptions {
  url: URL;
  idleMs: number;
  toError: ErrorFactory;
  maxHeapMb: number | undefined;
  onIdle: (thread: Thread) => void;
  onEnd: (thread: Thread) => void;
}

class Thread {
  readonly #options: ThreadOptions;
  readonly #worker: Worker;
  #task: Task | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: ThreadOptions) {
    this.#options = options;
    this.#worker = new Worker(options.url, {
      resourceLimits: {
        maxYoungGenerationSizeMb,
        ...(options.maxHeapMb !== undefined && { maxOldGenerationSizeMb: options.maxHeapMb }),
      },
    });
    this.#worker.on('message', (reply: Reply) => this.#settle(reply));
    this.#worker.on('error', (error) => this.#end(this.#explained(error as Error)));
    this.#worker.on('exit', (code) =>
      this.#end(new Error(`the reading of it ended unexpectedly (code ${code})`)),
    );
  }

  run(task: Task): void {
    clearTimeout(this.#timer);
    this.#task = task;
    this.#worker.ref();
    this.#worker.postMessage({ id: task.id, message: task.message });
  }

  #settle(reply: Reply): void {
    const task = this.#task;
    if (task?.id !== reply.id || this.#reason !== undefined) return;
    this.#task = undefined;
    // An idle thread must not keep the process alive.
    this.#worker.unref();
    this.#timer = setTimeout(() => {
      this.#options.onEnd(this);
      void this.#worker.terminate();
    }, this.#options.idleMs);
    this.#timer.unref();
    this.#options.onIdle(this);
    if (reply.error) task.reject(this.#options.toError(reply.error.name, reply.error.message));
    else task.resolve(reply.value as never);
  }

  /** Ends the thread whatever it is doing; its task fails once it has ended, so that nothing of it is left. */
  end(reason: Error): void {
    this.#reason ??= reason;
    this.#worker.terminate().then(
      () => this.#end(reason),
      () => this.#end(reason),
    );
  }

  #explained(error: Error): Error {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ERR_WORKER_OUT_OF_MEMORY') return error;
    return new BudgetError(`it takes more than ${this.#options.maxHeapMb} MiB of memory`);
  }

  /** Why the thread was ended; the exit that follows says less. */
  #reason: Error | undefined;
  #ended = false;
  #end(error: Error): void {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#timer);
    this.#task?.reject(this.#reason ?? error);
    this.#task = undefined;
    this.#options.onEnd(this);
  }
}
