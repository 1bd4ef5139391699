import { backoff, type Clock, errorMessage, systemClock } from '@sluice/shared/base';
import { BusUnavailableError, UnpublishableError } from './bus-errors.ts';
import type { Outbox, OutboxOptions } from './outbox-contract.ts';
import { type OutboxFile, OutboxFiles } from './outbox-files.ts';
import { currentTrace, inTrace } from './trace.ts';

const defaultRetry = { minMs: 250, maxMs: 30_000 };

/** Share of the space that dead letters may take, beside that of what waits. */
const deadShare = 1 / 8;

/**
 * Opens an outbox and goes on with what an earlier process left in its folder. Entries that can never be handed over
 * are kept below `dead/`, as files of the same form.
 */
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
  /** Failures of the first entry that count against `maxAttempts`. */
  #attempts = 0;
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
    const { name, id: own } = this.#files.next(informational);
    const id = this.#options.idOf?.(value) ?? own;
    if (await this.#isTaken(value, id)) return;
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

  /** Hands a value over at once, unless others wait: returns whether it was taken within the patience. */
  async #isTaken(value: T, id: string): Promise<boolean> {
    const { patienceMs, deliver, logger } = this.#options;
    if (patienceMs === undefined || this.#waiting.length > 0) return false;
    return new Promise<boolean>((resolve) => {
      const timer = this.#clock.setTimer(() => resolve(false), patienceMs);
      const end = (isOver: boolean) => {
        timer.cancel();
        resolve(isOver);
      };
      deliver(value, id, this.#closing.signal).then(
        () => end(true),
        (error: unknown) => {
          // From the disk it is tried again, and judged then.
          logger.debug({ error }, 'an outbox entry was not handed over at once');
          end(false);
        },
      );
    });
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

  /** Returns whether the line goes on: the entry was delivered, dropped or set aside. */
  async #handOver(file: OutboxFile & { ready?: Promise<boolean> }, stop: AbortSignal) {
    this.#delivering = file.name;
    try {
      if ((await file.ready) === false || !this.#waiting.includes(file)) return true;
      const record = await this.#files.read(file.name);
      if (record === undefined) throw new UnpublishableError('its file does not hold an entry');
      await inTrace(record.trace, () => this.#options.deliver(record.value as T, record.id, stop));
      await this.#files.remove(file.name);
      this.#take(file);
      return true;
    } catch (error) {
      if (stop.aborted) return false;
      if (this.#isFinal(error)) {
        await this.#setAside(file, error);
        return true;
      }
      this.#options.logger.debug(
        { error, waiting: this.#waiting.length },
        'outbox entry not handed over',
      );
      return false;
    } finally {
      this.#delivering = undefined;
    }
  }

  #isFinal(error: unknown): boolean {
    if (error instanceof UnpublishableError) return true;
    if (error instanceof BusUnavailableError) return false;
    return ++this.#attempts >= (this.#options.maxAttempts ?? Number.POSITIVE_INFINITY);
  }

  /** An entry that cannot even be moved is left where it is, out of the line until the next start. */
  async #setAside(file: OutboxFile, error: unknown): Promise<void> {
    const { logger, maxBytes, metrics } = this.#options;
    logger.error({ file: file.name, error }, 'an outbox entry goes to the dead letters');
    metrics?.onDeadLetter?.();
    this.#take(file);
    try {
      await this.#files.setAside(file.name, maxBytes * deadShare);
    } catch (problem) {
      logger.warn({ file: file.name, error: problem }, 'a dead letter could not be put aside');
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
    if (index === 0) this.#attempts = 0;
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
