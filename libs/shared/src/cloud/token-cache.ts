import { type Clock, SingleFlight, sha256Hex } from '../base/index.ts';
import { abortable } from '../kube/index.ts';

/** What a service gave, and until when it holds, in milliseconds since the epoch. */
export interface Issued<T> {
  value: T;
  expiresAtMs: number;
}

/** The object for which something is needed; for metrics. */
export interface TokenUser {
  kind: string;
  name: string;
  namespace: string;
}

/** Hears what happens in a cache. */
export interface TokenCacheMonitor {
  used(event: 'cache_hit' | 'cache_miss', user: TokenUser): void;
  requested(status: 'success' | 'failure'): void;
  evicted(): void;
  /** By how many there are more, or fewer. */
  changed(by: number): void;
}

export interface TokenCacheOptions {
  /** `--token-cache-max-size`; 0 keeps nothing. */
  maxSize: number;
  /** `--token-cache-max-duration`, in milliseconds. */
  maxDurationMs: number;
  clock: Clock;
  monitor?: TokenCacheMonitor;
}

/** Part of its life after which a login is not used any more, as the kubelet does with tokens. */
const usedShare = 0.8;

/** How long what is there is used when nothing new is issued, before another attempt; in milliseconds. */
const graceMs = 10_000;

interface Entry {
  value: unknown;
  /** Until when nothing new is asked for. */
  untilMs: number;
  /** Until when it may be used if nothing new is issued. */
  endMs: number;
}

/** For whom something is, and until when that one waits; what is issued goes on for others. */
export interface TokenUse {
  user?: TokenUser | undefined;
  signal?: AbortSignal | undefined;
  /** What did not work, and is not given again. */
  refused?: unknown;
}

/** Logins that clouds have given, for as long as they can be used. */
export class TokenCache {
  readonly #o: TokenCacheOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #running = new SingleFlight<unknown>();

  constructor(o: TokenCacheOptions) {
    this.#o = o;
  }

  /**
   * What was issued for the same key, or what is issued now.
   *
   * @param key all that it depends on, and its kind first: equal keys have values of one type; only a digest is kept
   * @throws what `issue` throws, unless what there is still holds; the signal's reason
   */
  async get<T>(
    key: readonly string[],
    { user, signal, refused }: TokenUse,
    issue: () => Promise<Issued<T>>,
  ): Promise<T> {
    const { clock, monitor } = this.#o;
    const id = sha256Hex(JSON.stringify(key));
    const entry = this.#entries.get(id);
    if (refused !== undefined && entry?.value === refused) this.#delete(id);
    else if (entry !== undefined && entry.untilMs > clock.now()) {
      if (user !== undefined) monitor?.used('cache_hit', user);
      this.#entries.delete(id);
      this.#entries.set(id, entry);
      return entry.value as T;
    }
    if (user !== undefined) monitor?.used('cache_miss', user);
    const issued = this.#running.run(id, () => this.#issue(id, issue));
    return (await abortable(issued, signal, () => undefined)) as T;
  }

  /** Forgets what did not work: it may have been withdrawn. */
  forget(key: readonly string[]): void {
    this.#delete(sha256Hex(JSON.stringify(key)));
  }

  async #issue<T>(id: string, issue: () => Promise<Issued<T>>): Promise<T> {
    const { clock, monitor, maxSize, maxDurationMs } = this.#o;
    let issued: Issued<T>;
    try {
      issued = await issue();
    } catch (error) {
      monitor?.requested('failure');
      const now = clock.now();
      const old = this.#entries.get(id);
      if (old === undefined || old.endMs <= now) throw error;
      old.untilMs = Math.min(now + graceMs, old.endMs);
      return old.value as T;
    }
    monitor?.requested('success');
    const now = clock.now();
    const leftMs = issued.expiresAtMs - now;
    const lifeMs = Math.min(leftMs * usedShare, maxDurationMs);
    const endMs = now + Math.min(leftMs, maxDurationMs);
    this.#delete(id);
    if (maxSize === 0 || lifeMs <= 0) return issued.value;
    this.#entries.set(id, { value: issued.value, untilMs: now + lifeMs, endMs });
    monitor?.changed(1);
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= maxSize) break;
      this.#delete(oldest);
      monitor?.evicted();
    }
    return issued.value;
  }

  #delete(id: string): void {
    if (this.#entries.delete(id)) this.#o.monitor?.changed(-1);
  }
}
