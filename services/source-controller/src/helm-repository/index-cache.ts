import type { Artifact } from '@sluice/shared/api';
import {
  type ByteBudget,
  type Clock,
  LruBytes,
  SingleFlight,
  systemClock,
  type Timer,
} from '@sluice/shared/base';
import { readIndexAnywhere } from '../helm/helm-workers.ts';
import type { ChartIndex } from '../helm/index-charts.ts';

export interface IndexCacheOptions {
  /** Says where a stored file is, by its path in the storage. */
  localPath: (path: string) => Promise<string>;
  maxBytes: number;
  /** Most indexes that are kept; as many as fit into `maxBytes` when 0. */
  maxEntries: number;
  /** Milliseconds after the last use for which an index is kept. */
  ttlMs: number;
  /** Milliseconds between two looks for what to forget. */
  purgeIntervalMs: number;
  /** What reading an index holds in memory; without limit when undefined. */
  memory?: ByteBudget;
  clock?: Clock;
  /** Called for every index that is asked for. */
  onUse?: (event: 'cache_hit' | 'cache_miss', artifactPath: string) => void;
}

/**
 * The indexes of repositories that HelmCharts use, each read once from its stored artifact, however many charts ask
 * at the same time. Entries belong to one repository object, so that nobody reaches another's index through them.
 */
export class IndexCache {
  readonly #o: IndexCacheOptions;
  readonly #clock: Clock;
  readonly #indexes: LruBytes<ChartIndex>;
  /** When each entry expires, in milliseconds since the epoch; the least recently used first. */
  readonly #expiry = new Map<string, number>();
  readonly #flights = new SingleFlight<ChartIndex>();
  #timer: Timer | undefined;

  constructor(o: IndexCacheOptions) {
    this.#o = o;
    this.#clock = o.clock ?? systemClock;
    this.#indexes = new LruBytes(o.maxBytes, (_, key) => this.#expiry.delete(key));
  }

  /** Number of indexes kept. */
  get size(): number {
    return this.#indexes.size;
  }

  /**
   * Returns the charts of a stored index.
   *
   * @throws Error when its file is gone; IndexError when it cannot be read
   */
  async get(artifact: Artifact): Promise<ChartIndex> {
    const key = keyOf(artifact);
    this.#purge();
    const known = this.#indexes.get(key);
    this.#o.onUse?.(known === undefined ? 'cache_miss' : 'cache_hit', artifact.path);
    if (known !== undefined) {
      this.#touch(key);
      return known;
    }
    return this.#flights.run(key, async () => {
      const source = await this.#o.localPath(artifact.path);
      // All who wait are of the namespace that the path names.
      const share = artifact.path.split('/')[1] ?? '';
      const turn = { share, memory: this.#o.memory };
      const { charts } = await readIndexAnywhere({ operation: 'index', source }, turn);
      this.put(artifact, charts);
      return charts;
    });
  }

  /** Keeps an index that was read already. */
  put(artifact: Artifact, charts: ChartIndex): void {
    const key = keyOf(artifact);
    let bytes = 0;
    for (const [name, json] of charts) bytes += name.length + json.length;
    this.#touch(key);
    this.#indexes.set(key, charts, bytes);
    const { maxEntries } = this.#o;
    for (const oldest of this.#expiry.keys()) {
      if (maxEntries === 0 || this.#expiry.size <= maxEntries) break;
      this.#forget(oldest);
    }
    this.#schedule();
  }

  #touch(key: string): void {
    this.#expiry.delete(key);
    this.#expiry.set(key, this.#clock.now() + this.#o.ttlMs);
  }

  #forget(key: string): void {
    this.#expiry.delete(key);
    this.#indexes.delete(key);
  }

  #purge(): void {
    for (const [key, at] of this.#expiry) {
      if (at > this.#clock.now()) return;
      this.#forget(key);
    }
  }

  #schedule(): void {
    if (this.#timer !== undefined || this.#expiry.size === 0) return;
    this.#timer = this.#clock.setTimer(() => {
      this.#timer = undefined;
      this.#purge();
      this.#schedule();
    }, this.#o.purgeIntervalMs);
  }
}

/** The path has namespace and name of the repository object in it. */
function keyOf(artifact: Artifact): string {
  return `${artifact.path} ${artifact.digest}`;
}
