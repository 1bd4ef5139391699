import type { Clock } from '@sluice/shared/base';
import type { Priority } from '../reconciler.ts';
import { isMoreUrgent, priorities } from './priority.ts';
import { QueuedKeys } from './queued-keys.ts';
import { Shares } from './shares.ts';

/** A key taken from the queue, its priority, and how long it was queued in milliseconds. */
export interface QueueItem {
  key: string;
  priority: Priority;
  waitedMs: number;
}

/** Hears what happens in a queue; for metrics. */
export interface QueueObserver {
  /** The queue is there; the function says how many keys of a priority wait to be taken. */
  opened(lengthOf: (priority: Priority) => number): void;
  added(): void;
  taken(key: string, waitedMs: number): void;
  finished(key: string): void;
  /** A key is to be added after a delay. */
  retried(): void;
}

/** The lowest layer of the work queue. */
export interface Queue {
  /** Adds a key; the priority is `change` when none is given. */
  add(key: string, options?: { priority?: Priority }): void;
  /** Takes the next key, waiting for one; undefined once the queue is closed or the signal aborts. */
  get(signal?: AbortSignal): Promise<QueueItem | undefined>;
  /** Says that the work on a taken key is finished. */
  done(key: string): void;
  close(): void;
  /** How many keys wait to be taken. */
  readonly length: number;
}

/** How to create a {@link Queue}. */
export interface QueueOptions {
  clock: Clock;
  observer?: QueueObserver;
  /** How many keys of one namespace may be worked on at a time; any number unless told. */
  perNamespace?: number;
}

interface Entry {
  priority: Priority;
  addedAt: number;
  order: number;
}

/** Every how many takes a starving key comes first, and after how many milliseconds in the queue a key starves. */
const starvingTurn = 8;
const starvingAfterMs = 30_000;

/** Of these, one is served before the next; `progress` is first in the line of its namespace among changes. */
const classes = priorities.filter((priority) => priority !== 'progress');

const lineOf = (priority: Priority) => (priority === 'progress' ? 'ahead' : 'others');

class PriorityQueue implements Queue {
  /** Keys that need work, whether queued or being worked on, as in client-go. */
  readonly #dirty = new Map<string, Entry>();
  readonly #processing = new Set<string>();
  /** Keys that wait for their turn, most urgent first. */
  readonly #queued = new Map(classes.map((one) => [one, new QueuedKeys<Entry>()]));
  readonly #shares: Shares;
  readonly #waiters = new Set<(item: QueueItem | undefined) => void>();
  readonly #clock: Clock;
  readonly #observer?: QueueObserver;
  #takes = 0;
  #order = 0;
  #closed = false;

  constructor({ clock, observer, perNamespace = Number.POSITIVE_INFINITY }: QueueOptions) {
    this.#clock = clock;
    this.#observer = observer;
    this.#shares = new Shares(perNamespace);
    observer?.opened((priority) => this.#keysOf(priority).sizeOf(lineOf(priority)));
  }

  get length(): number {
    let sum = 0;
    for (const keys of this.#queued.values()) sum += keys.sizeOf('ahead') + keys.sizeOf('others');
    return sum;
  }

  add = (key: string, options: { priority?: Priority } = {}): void => {
    if (this.#closed) return;
    const priority = options.priority ?? 'change';
    const known = this.#dirty.get(key);
    if (known) {
      this.#promote(key, known, priority);
      return;
    }
    const entry = { priority, addedAt: this.#clock.now(), order: 0 };
    this.#dirty.set(key, entry);
    if (!this.#processing.has(key)) this.#enqueue(key, entry);
    this.#observer?.added();
    this.#serve();
  };

  get = (signal?: AbortSignal): Promise<QueueItem | undefined> => {
    if (this.#closed || signal?.aborted) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      const give = (item: QueueItem | undefined) => {
        this.#waiters.delete(give);
        signal?.removeEventListener('abort', abort);
        resolve(item);
      };
      const abort = () => give(undefined);
      signal?.addEventListener('abort', abort);
      this.#waiters.add(give);
      this.#serve();
    });
  };

  done = (key: string): void => {
    if (!this.#processing.delete(key)) return;
    this.#shares.finished(key);
    this.#observer?.finished(key);
    const entry = this.#dirty.get(key);
    if (entry) this.#enqueue(key, entry);
    // Others of its namespace may have waited for this.
    this.#serve();
  };

  close = (): void => {
    this.#closed = true;
    for (const give of [...this.#waiters]) give(undefined);
    this.#dirty.clear();
    for (const keys of this.#queued.values()) keys.clear();
  };

  #keysOf(priority: Priority): QueuedKeys<Entry> {
    return this.#queued.get(priority === 'progress' ? 'change' : priority)!;
  }

  #enqueue(key: string, entry: Entry): void {
    entry.order = ++this.#order;
    this.#keysOf(entry.priority).set(key, entry, lineOf(entry.priority));
  }

  #promote(key: string, entry: Entry, priority: Priority): void {
    if (!isMoreUrgent(priority, entry.priority)) return;
    const wasQueued = this.#keysOf(entry.priority).delete(key);
    entry.priority = priority;
    if (wasQueued) this.#enqueue(key, entry);
  }

  #serve(): void {
    for (const give of [...this.#waiters]) {
      const item = this.#take();
      if (!item) return;
      give(item);
    }
  }

  #take(): QueueItem | undefined {
    const turn = (this.#takes + 1) % starvingTurn === 0;
    const next = (turn ? this.#starving() : undefined) ?? this.#mostUrgent();
    if (!next) return undefined;
    this.#takes += 1;
    const [key, entry] = next;
    this.#keysOf(entry.priority).delete(key);
    this.#dirty.delete(key);
    this.#processing.add(key);
    this.#shares.taken(key);
    const waitedMs = Math.max(0, this.#clock.now() - entry.addedAt);
    this.#observer?.taken(key, waitedMs);
    return { key, priority: entry.priority, waitedMs };
  }

  #mostUrgent(): [string, Entry] | undefined {
    for (const keys of this.#queued.values()) {
      const next = keys.next(this.#shares);
      if (next) return next;
    }
    return undefined;
  }

  #starving(): [string, Entry] | undefined {
    let oldest: [string, Entry] | undefined;
    for (const keys of this.#queued.values()) {
      const first = keys.oldest(this.#shares);
      if (first && (!oldest || first[1].addedAt < oldest[1].addedAt)) oldest = first;
    }
    const since = this.#clock.now() - starvingAfterMs;
    return oldest && oldest[1].addedAt <= since ? oldest : undefined;
  }
}

/**
 * Makes a queue of keys, in the manner of client-go's work queue but with priorities.
 *
 * 1. A key added several times before it is taken is taken once.
 * 2. A key is never given out again before `done` was called for it.
 * 3. A key added while it is being worked on is given out again after `done`, and only then.
 * 4. More urgent keys come first; keys of one priority and namespace come in the order they were added. Of namespaces,
 *    the one with the fewest keys being worked on comes first, then the one whose first key was added first. `progress` is more
 *    urgent than `change` within its namespace only.
 * 5. Adding a queued key with a more urgent priority promotes it, behind the keys already there;
 *    with a less urgent one changes nothing. This holds as well for a key being worked on.
 * 6. Nothing starves: every eighth take serves the oldest first-in-line key of all priorities, once it has
 *    been queued for 30 s or more. So a request waits behind at most one such key for every seven urgent ones.
 * 7. `close` drops what is queued and gives undefined to everyone waiting; an aborted `get` takes no key.
 * 8. No more than `perNamespace` keys of one namespace are given out at a time; the rest of them waits, whatever its
 *    priority and age, and keeps no key of another namespace waiting.
 */
export function createQueue(options: QueueOptions): Queue {
  return new PriorityQueue(options);
}
