import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { type Clock, errorMessage, jitter, type Logger, systemClock } from '@sluice/shared/base';
import type { KubeClient } from '@sluice/shared/kube';
import type { LeaderElectionSettings } from '../common-flags.ts';
import { LeadershipLostError } from './leadership.ts';
import {
  addressOf,
  type Lease,
  type LeaseOptions,
  readLease,
  releaseLease,
  writeLease,
} from './lease.ts';

/** Takes part in an election. */
export interface LeaderElector {
  /** Aborts, with a {@link LeadershipLostError}, when the leadership is lost after it was won. */
  readonly lost: AbortSignal;
  /**
   * Says whether this process leads at this moment; to be asked right before a write. True only while the
   * last renewal is younger than the renew deadline, so that it turns false in a process that was paused.
   */
  isLeader(): boolean;
  /** Where another replica that leads serves, as `host:port`, as it was told last; undefined when that is not known. */
  leaderAddress(): string | undefined;
  /** Resolves when this process leads, and renews from then on; rejects when the signal aborts before. */
  acquire(signal: AbortSignal): Promise<void>;
  /** Stops renewing, and gives the lease back when so configured. */
  release(): Promise<void>;
}

export interface LeaderElectorOptions extends LeaderElectionSettings {
  client: KubeClient;
  namespace: string;
  /** Name of the Lease; see `leaseName`. */
  name: string;
  /** Who we are; the host's name and a random part when not given. */
  identity?: string;
  logger: Logger;
  clock?: Clock;
  /** What the other replicas are told of where we serve while we lead, as `host:port`. */
  servedAt?: () => string | undefined;
  /** Hears when the leadership is won and when it ends. */
  onLeading?: (leads: boolean) => void;
  /** A clock in milliseconds that nobody sets; `performance.now` when not given. */
  monotonicMs?: () => number;
}

class Elector implements LeaderElector {
  readonly #options: LeaderElectorOptions;
  readonly #lease: LeaseOptions;
  readonly #clock: Clock;
  readonly #monotonicMs: () => number;
  readonly #lost = new AbortController();
  readonly #stopped = new AbortController();
  #leads = false;
  /** The lease as we last knew it while leading; undefined when it has to be read. */
  #known: Lease | undefined;
  /** When the last successful renewal was begun. */
  #renewedAt = Number.NEGATIVE_INFINITY;
  /** The foreign lease as it was when it last changed, and when that was noticed. */
  #foreign: { version: string | undefined; since: number } | undefined;
  /** Where the other one that leads serves. */
  #leaderAddress: string | undefined;
  #renewing: Promise<void> = Promise.resolve();

  constructor(options: LeaderElectorOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#monotonicMs = options.monotonicMs ?? (() => performance.now());
    const identity = options.identity ?? `${hostname()}_${randomUUID()}`;
    this.#lease = { ...options, identity, wallMs: () => this.#clock.now() };
  }

  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  isLeader(): boolean {
    return (
      this.#leads &&
      !this.#lost.signal.aborted &&
      this.#monotonicMs() - this.#renewedAt < this.#options.renewDeadlineMs
    );
  }

  leaderAddress(): string | undefined {
    return this.#leads ? undefined : this.#leaderAddress;
  }

  async acquire(signal: AbortSignal): Promise<void> {
    const { logger, retryPeriodMs, name, namespace } = this.#options;
    logger.info({ lease: `${namespace}/${name}` }, 'Waiting for the leadership');
    this.#options.onLeading?.(false);
    for (;;) {
      signal.throwIfAborted();
      if (await this.#try()) break;
      await this.#clock.sleep(jitter(retryPeriodMs * 1.1, 10), signal);
    }
    logger.info({ lease: `${namespace}/${name}` }, 'Leadership won');
    this.#options.onLeading?.(true);
    this.#renewing = this.#renew();
  }

  async release(): Promise<void> {
    this.#stopped.abort();
    await this.#renewing;
    const known = this.#known;
    const leads = this.isLeader();
    this.#leads = false;
    this.#options.onLeading?.(false);
    if (!known || !leads || !this.#options.releaseOnCancel) return;
    try {
      await releaseLease(this.#lease, known, this.#options.retryPeriodMs);
    } catch (error) {
      this.#options.logger.warn({ error: errorMessage(error) }, 'Lease could not be given back');
    }
  }

  async #renew(): Promise<void> {
    const stopped = this.#stopped.signal;
    while (!stopped.aborted) {
      await this.#clock.sleep(this.#pauseMs(), stopped).catch(() => undefined);
      if (stopped.aborted) return;
      if (!this.isLeader()) return this.#lose('it could not be renewed in time');
      const renewed = await this.#try();
      if (!renewed && this.#foreign) return this.#lose('another process holds it');
      if (!this.isLeader()) return this.#lose('it could not be renewed in time');
    }
  }

  /** Time until the next renewal, which ends no later than the deadline. */
  #pauseMs(): number {
    return Math.max(0, Math.min(this.#options.retryPeriodMs, this.#leftMs()));
  }

  /** Time left until the renew deadline. */
  #leftMs(): number {
    return this.#renewedAt + this.#options.renewDeadlineMs - this.#monotonicMs();
  }

  #lose(why: string): void {
    this.#leads = false;
    this.#options.onLeading?.(false);
    this.#options.logger.error({ why }, 'Leadership lost');
    this.#lost.abort(new LeadershipLostError(`The leadership is lost: ${why}`));
  }

  /** One try to get or renew the lease; never throws. */
  async #try(): Promise<boolean> {
    const begun = this.#monotonicMs();
    // A request must not outlive the deadline it is to meet.
    const longest = this.#options.retryPeriodMs * 2;
    const timeoutMs = this.#leads ? Math.max(1, Math.min(longest, this.#leftMs())) : longest;
    try {
      const read = this.#known ?? (await readLease(this.#lease, timeoutMs));
      const isForeign = read?.spec.holderIdentity !== this.#lease.identity;
      this.#leaderAddress = read && isForeign ? addressOf(read) : undefined;
      if (!this.#mayTake(read)) return false;
      this.#known = await writeLease(this.#lease, read, timeoutMs);
      // Refused: someone changed or deleted it. The next try reads it again.
      if (!this.#known) return false;
      this.#renewedAt = begun;
      this.#leads = true;
      this.#foreign = undefined;
      return true;
    } catch (error) {
      this.#options.logger.warn({ error: errorMessage(error) }, 'Lease could not be renewed');
      return false;
    }
  }

  /** A foreign lease may be taken once it did not change for its whole duration, by our own clock. */
  #mayTake(read: Lease | undefined): boolean {
    const holder = read?.spec.holderIdentity;
    if (!read || !holder || holder === this.#lease.identity) return true;
    const now = this.#monotonicMs();
    const version = read.metadata.resourceVersion;
    if (this.#foreign?.version !== version) this.#foreign = { version, since: now };
    const durationMs = (read.spec.leaseDurationSeconds ?? 0) * 1000;
    return now - (this.#foreign?.since ?? now) > durationMs;
  }
}

/**
 * Makes a participant in an election by Lease, in the manner of client-go.
 *
 * 1. A lease is taken from another holder only after it did not change for its duration, measured on our own
 *    monotonic clock; clocks of different machines are never compared.
 * 2. The leader gives up, for good, when no renewal begun within the renew deadline succeeded, or when it
 *    finds another holder. As that deadline is shorter than the lease, it does so before another can take over.
 * 3. `isLeader` is right after a pause of the process, before any timer runs.
 */
export function createLeaderElector(options: LeaderElectorOptions): LeaderElector {
  return new Elector(options);
}
