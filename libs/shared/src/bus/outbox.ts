import { backoff, type Clock, errorMessage, type Logger, systemClock } from '@sluice/shared/base';
import { type OutboxFile, OutboxFiles } from './outbox-files.ts';
import { currentTrace, inTrace } from './trace.ts';

export interface OutboxOptions<T> {
  /** Folder of this outbox alone; created when missing. */
  dir: string;
  /** Bytes on disk; over that, the oldest informational entries are dropped, then the oldest others. */
  maxBytes: number;
  isInformational: (value: T) => boolean;
  /** Hands over an entry. When it rejects, the same entry is handed over again later; the ones after it wait. */
  deliver: (value: T, id: string, signal: AbortSignal) => Promise<void>;
  logger: Logger;
  clock?: Clock;
  /** Bounds of the delay between attempts, in milliseconds; 250 and 30000 when unset. */
  minRetryDelayMs?: number;
  maxRetryDelayMs?: number;
  metrics?: OutboxMetrics;
}

/** Where an outbox reports what it does. */
export interface OutboxMetrics {
  /** @param since when the oldest entry came, in milliseconds since the epoch; undefined when there is none */
  onDepth?(entries: number, bytes: number, since?: number): void;
  onDropped?(entries: number): void;
  onDelivered?(): void;
}

/** An ordered queue on the local disk between somebody who must not wait and somewhere that may be away. */
export interface Outbox<T> {
  /**
   * Resolves once the value is on disk.
   *
   * @throws Error when it cannot be written, or the outbox is closed
   */
  put(value: T): Promise<void>;
  /** Number of entries that wait. */
  depth(): number;
  /** Entries dropped for want of space, since the start. */
  dropped(): number;
  /** Tries at once instead of after the current delay. */
  retryNow(): void;
  /** Resolves when everything that was put before has been handed over. */
  flush(): Promise<void>;
  /** Stops handing over; what waits stays on disk for the next start. */
  close(): Promise<void>;
}

const defaultRetry = { minMs: 250, maxMs: 30_000 };

/** Opens an outbox and goes on with what an earlier process left in its folder. */
export function createOutbox<T>(options: OutboxOptions<T>): Outbox<T> {
  return new FileOutbox(options);
}

class FileOutbox<T> implements Outbox<T> {
  readonly #options: OutboxOptions<T>;
  readonly #files: OutboxFiles;
  readonly #clock: Clock;
  readonly #closing = new AbortController();
  readonly #opened: Promise<void>;
  readonly #running: Promise<void>;
  readonly #writing = new Set<Promise<void>>();
  #waiting: OutboxFile[] = [];
  #bytes = 0;
  #dropped = 0;
  #delivering?: string;
  #wake: () => void = () => undefined;
  #hasNothingToDo = false;
  #flushing: (() => void)[] = [];

  constructor(options: OutboxOptions<T>) {
    this.#options = options;
    this.#files = new OutboxFiles(options.dir);
    this.#clock = options.clock ?? systemClock;
    this.#opened = this.#open();
    // Whoever puts something sees the error; it must not end the process before.
    this.#opened.catch(() => undefined);
    this.#running = this.#run();
  }

  depth(): number {
    return this.#waiting.length;
  }

  dropped(): number {
    return this.#dropped;
  }

  retryNow(): void {
    this.#wake();
  }

  async put(value: T): Promise<void> {
    this.#closing.signal.throwIfAborted();
    await this.#opened;
    const writing = this.#put(value);
    this.#writing.add(writing);
    await writing.finally(() => this.#writing.delete(writing));
  }

  async #put(value: T): Promise<void> {
    const informational = this.#options.isInformational(value);
    const { name, id } = this.#files.next(informational);
    const trace = currentTrace();
    // In line before it is on disk, so that concurrent writes keep their order.
    const since = Date.now();
    const file: OutboxFile & { ready?: Promise<boolean> } = {
      name,
      bytes: 0,
      informational,
      since,
    };
    const written = this.#files.write(name, { id, trace, value });
    file.ready = written.then(
      () => true,
      () => false,
    );
    this.#waiting.push(file);
    try {
      file.bytes = await written;
      this.#bytes += file.bytes;
    } catch (cause) {
      this.#take(file);
      throw new Error(
        `the outbox in ${this.#options.dir} cannot be written: ${errorMessage(cause)}; check --outbox-path and its space`,
        { cause },
      );
    }
    await this.#makeRoom();
    this.#reportDepth();
    // A delay after a failure goes on: new entries must not hammer a server that is away.
    if (this.#hasNothingToDo) this.#wake();
  }

  async flush(): Promise<void> {
    await this.#opened;
    await Promise.allSettled(this.#writing);
    if (this.#waiting.length === 0) return;
    await new Promise<void>((resolve) => {
      this.#flushing.push(resolve);
      this.#wake();
    });
  }

  async close(): Promise<void> {
    this.#closing.abort(new Error('the outbox is closed'));
    this.#wake();
    await this.#running;
    await Promise.allSettled(this.#writing);
  }

  async #open(): Promise<void> {
    const left = await this.#files.open();
    this.#waiting = left;
    this.#bytes = left.reduce((sum, file) => sum + file.bytes, 0);
    if (left.length > 0) {
      this.#options.logger.info(
        { entries: left.length },
        'continuing with the outbox of an earlier run',
      );
    }
    this.#reportDepth();
  }

  async #run(): Promise<void> {
    const stop = this.#closing.signal;
    const opened = await this.#opened.then(
      () => true,
      () => false,
    );
    let failures = 0;
    while (opened && !stop.aborted) {
      const file = this.#waiting[0];
      if (file === undefined) {
        for (const resolve of this.#flushing.splice(0)) resolve();
        this.#hasNothingToDo = true;
        await this.#pause();
        this.#hasNothingToDo = false;
        continue;
      }
      failures = (await this.#handOver(file, stop)) ? 0 : failures + 1;
      if (failures > 0) await this.#pause(this.#retryDelay(failures - 1));
    }
  }

  /** Returns whether the line goes on: the entry was delivered, dropped or unreadable. */
  async #handOver(file: OutboxFile & { ready?: Promise<boolean> }, stop: AbortSignal) {
    this.#delivering = file.name;
    try {
      if ((await file.ready) === false || !this.#waiting.includes(file)) return true;
      const record = await this.#files.read(file.name);
      if (record === undefined) {
        await this.#files.setAside(file.name);
        this.#options.logger.error(
          { file: file.name },
          'an outbox entry is unreadable and set aside',
        );
        this.#take(file);
        return true;
      }
      await inTrace(record.trace, () => this.#options.deliver(record.value as T, record.id, stop));
      await this.#files.remove(file.name);
      this.#take(file);
      this.#options.metrics?.onDelivered?.();
      return true;
    } catch (error) {
      if (!stop.aborted) {
        this.#options.logger.debug(
          { error, waiting: this.#waiting.length },
          'outbox entry not handed over',
        );
      }
      return false;
    } finally {
      this.#delivering = undefined;
    }
  }

  #retryDelay(attempt: number): number {
    return backoff({
      attempt,
      minMs: this.#options.minRetryDelayMs ?? defaultRetry.minMs,
      maxMs: this.#options.maxRetryDelayMs ?? defaultRetry.maxMs,
    });
  }

  /** Waits until there is something to do, or for a delay. */
  async #pause(ms?: number): Promise<void> {
    if (this.#closing.signal.aborted) return;
    await new Promise<void>((resolve) => {
      const timer = ms === undefined ? undefined : this.#clock.setTimer(() => this.#wake(), ms);
      this.#wake = () => {
        timer?.cancel();
        this.#wake = () => undefined;
        resolve();
      };
    });
  }

  #take(file: OutboxFile): void {
    const index = this.#waiting.indexOf(file);
    if (index < 0) return;
    this.#waiting.splice(index, 1);
    this.#bytes -= file.bytes;
    this.#reportDepth();
  }

  async #makeRoom(): Promise<void> {
    while (this.#bytes > this.#options.maxBytes) {
      const droppable = (file: OutboxFile) => file.bytes > 0 && file.name !== this.#delivering;
      const victim =
        this.#waiting.find((file) => file.informational && droppable(file)) ??
        this.#waiting.find(droppable);
      if (victim === undefined) return;
      this.#take(victim);
      await this.#files.remove(victim.name);
      this.#dropped++;
      this.#options.metrics?.onDropped?.(1);
      if (Math.log2(this.#dropped) % 1 === 0) {
        this.#options.logger.warn(
          { dropped: this.#dropped, maxBytes: this.#options.maxBytes },
          'the outbox is full, the oldest entries are dropped',
        );
      }
    }
  }

  #reportDepth(): void {
    const [oldest] = this.#waiting;
    this.#options.metrics?.onDepth?.(this.#waiting.length, this.#bytes, oldest?.since);
  }
}
