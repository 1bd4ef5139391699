import type { Clock, Logger } from '@sluice/shared/base';

/**
 * How long a stream may take to acknowledge before an entry goes to the disk instead, in milliseconds. A server answers in
 * one or two, three of them that agree in some ten; a reconcile must not be held up by one that hangs.
 */
export const streamPatienceMs = 100;

export interface OutboxOptions<T> {
  /** Folder of this outbox alone; created when missing. */
  dir: string;
  /** Bytes on disk; over that, the oldest informational entries are dropped, then the oldest others. */
  maxBytes: number;
  isInformational: (value: T) => boolean;
  /** By what an entry is known where it is handed over; made up for each when unset. */
  idOf?: (value: T) => string;
  /**
   * Hands over an entry. When it rejects, the same entry is handed over again later and the ones after it wait; with
   * an UnpublishableError it goes to the dead letters at once.
   */
  deliver: (value: T, id: string, signal: AbortSignal) => Promise<void>;
  /**
   * Milliseconds within which a put hands an entry over itself while nothing waits: what is handed over by then is never
   * on disk. Everything goes to the disk first when unset.
   */
  patienceMs?: number;
  /**
   * Failures other than a BusUnavailableError after which an entry goes to the dead letters; no limit when unset.
   */
  maxAttempts?: number;
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
  /** An entry can never be handed over and went to the dead letters. */
  onDeadLetter?(): void;
}

/** An ordered queue on the local disk between somebody who must not wait and somewhere that may be away. */
export interface Outbox<T> {
  /**
   * Resolves once the value is handed over or on disk.
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
