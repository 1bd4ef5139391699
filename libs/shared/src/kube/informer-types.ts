import type { KubeObject } from '@sluice/shared/api';
import type { Clock, Logger } from '@sluice/shared/base';
import type { Indexers } from './informer-store.ts';
import type { ApiResource } from './resource.ts';
import type { KubeClient } from './types.ts';

/** A change of the local copy. */
export type InformerEvent<T> = {
  type: 'added' | 'modified' | 'deleted';
  /** The new state; of a deleted object the last one. */
  object: T;
  previous?: T;
};

/** What happened to the connection, for logs, metrics and callers that wait. */
export type InformerHealth =
  | { type: 'listed'; items: number }
  | { type: 'watching'; resourceVersion: string }
  | { type: 'failed'; error: unknown; attempt: number; retryMs: number };

/** An object that its check refuses; only its metadata and status may be relied on. */
export interface RefusedObject<T> {
  object: T;
  /** What is wrong and how to correct it, in words for a condition. */
  problem: string;
}

/** A part of the work on one object that may throw. */
export type InformerPart = 'check' | 'transform' | 'index' | 'listener';

/** Hears of the watches of a process, and of objects that make a part of them throw. */
export interface WatchMonitor {
  /**
   * A list-watch has begun.
   *
   * @param optional whether the process can do without it
   * @returns what to call when it ends
   */
  started(
    watch: Pick<Informer<KubeObject>, 'resource' | 'behindMs'>,
    optional: boolean,
  ): () => void;
  failed(resource: ApiResource, part: InformerPart): void;
}

export interface Informer<T extends KubeObject> {
  readonly resource: ApiResource;
  start(): void;
  stop(): Promise<void>;
  /** Resolves after the first list; rejects with the signal's reason, or when stopped before. */
  synced(signal?: AbortSignal): Promise<void>;
  readonly hasSynced: boolean;
  /** Milliseconds for which the copy is known not to be current; `Infinity` before the first list, 0 when it is. */
  behindMs(): number;
  get(key: string): T | undefined;
  list(): T[];
  /** @throws RangeError when there is no index of that name */
  byIndex(index: string, value: string): T[];
  /** Adds a listener; returns a function that removes it. */
  onEvent(listener: (e: InformerEvent<T>) => void): () => void;
  /** The objects that the check refuses, by key. No other method knows them. */
  readonly refused: ReadonlyMap<string, RefusedObject<T>>;
  /** Adds a listener to changes of refused objects, and to their deletion; returns a function that removes it. */
  onRefused(listener: (e: InformerEvent<T> & { problem: string }) => void): () => void;
}

export interface InformerOptions<T extends KubeObject> {
  client: KubeClient;
  resource: ApiResource;
  namespace?: string;
  labelSelector?: string;
  fieldSelector?: string;
  metadataOnly?: boolean;
  indexes?: Indexers<T>;
  /** Applied to every object before it is kept, to drop what nobody reads; drops `managedFields` unless told. */
  transform?: (object: T) => T;
  /** Says what is wrong with an object that nobody can work with; asked once for each generation. */
  check?: (object: T) => string | undefined;
  logger?: Logger;
  clock?: Clock;
  random?: () => number;
  onHealth?: (e: InformerHealth) => void;
  monitor?: WatchMonitor;
  /** The process is ready without it. */
  optional?: boolean;
  /** Milliseconds without a byte after which a watch is opened anew. Default 100,000: bookmarks come every 75 s or sooner. */
  idleTimeoutMs?: number;
}
