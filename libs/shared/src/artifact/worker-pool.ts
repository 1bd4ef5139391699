import { Worker } from 'node:worker_threads';

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

/**
 * Runs tasks in worker threads, so that the event loop stays free. Threads start when there is work and end
 * after a while without; each runs one task at a time, the others wait in order.
 */
export class WorkerPool {
  readonly #url: URL;
  readonly #size: number;
  readonly #idleMs: number;
  readonly #toError: ErrorFactory;
  readonly #maxHeapMb: number | undefined;
  readonly #waiting: Task[] = [];
  readonly #idle = new Set<Thread>();
  #threads = 0;
  #nextId = 0;

  /** @param o.maxHeapMb what one task may take of the heap; a task that needs more fails alone */
  constructor(o: {
    url: URL;
    size: number;
    idleMs?: number;
    toError?: ErrorFactory;
    maxHeapMb?: number;
  }) {
    this.#url = o.url;
    this.#size = o.size;
    this.#idleMs = o.idleMs ?? 10_000;
    this.#toError = o.toError ?? ((_, message) => new Error(message));
    this.#maxHeapMb = o.maxHeapMb;
  }

  /**
   * Runs one task.
   *
   * @throws the worker's error, or an Error when the thread died, for instance of lack of memory
   */
  run<T>(message: unknown): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push({ id: this.#nextId++, message, resolve, reject });
      this.#dispatch();
    });
  }

  #dispatch(): void {
    while (this.#waiting.length > 0) {
      const [thread] = this.#idle;
      if (thread !== undefined) this.#idle.delete(thread);
      else if (this.#threads >= this.#size) return;
      const task = this.#waiting.shift() as Task;
      (thread ?? this.#start()).run(task);
    }
  }

  #start(): Thread {
    this.#threads++;
    return new Thread({
      url: this.#url,
      idleMs: this.#idleMs,
      toError: this.#toError,
      maxHeapMb: this.#maxHeapMb,
      onIdle: (thread) => {
        this.#idle.add(thread);
        this.#dispatch();
      },
      onEnd: (thread) => {
        this.#threads--;
        this.#idle.delete(thread);
        this.#dispatch();
      },
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
    this.#worker.on('error', (error) => this.#end(error as Error));
    this.#worker.on('exit', (code) =>
      this.#end(new Error(`worker thread ended with code ${code}`)),
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
    if (task?.id !== reply.id) return;
    this.#task = undefined;
    // An idle thread must not keep the process alive.
    this.#worker.unref();
    this.#timer = setTimeout(() => void this.#worker.terminate(), this.#options.idleMs);
    this.#timer.unref();
    if (reply.error) task.reject(this.#options.toError(reply.error.name, reply.error.message));
    else task.resolve(reply.value as never);
    this.#options.onIdle(this);
  }

  #ended = false;
  #end(error: Error): void {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#timer);
    this.#task?.reject(error);
    this.#task = undefined;
    this.#options.onEnd(this);
  }
}
