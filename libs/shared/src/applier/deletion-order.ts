import {
  disabledValue,
  finalizer,
  type KubeObject,
  pruneOrderAnnotation,
} from '@sluice/shared/api';
import { type Clock, SingleFlight, systemClock, WaitingError } from '@sluice/shared/base';
import { displayName } from '@sluice/shared/engine';
import { isForbidden, isNotFound, type KubeClient, keyOf, resourceOf } from '@sluice/shared/kube';
import { hasFinalizer } from '@sluice/shared/runtime';
import type { DependencyGraph } from './dependency-graph.ts';
import { applierIdsOf, type Dependant, otherApplierKind } from './dependency-reference.ts';

/** Reason of a wait for dependants that are deleted, too. */
export const dependantsRemainReason = 'DependantsRemain';

/** What is deleted together is marked so within this many milliseconds. */
const togetherMs = 5_000;
/** Longest wait for dependants, in milliseconds. */
const limitMs = 600_000;
/** Most dependants that a condition names. */
const maxShown = 5;

/** How to make {@link DeletionOrder}. */
export interface DeletionOrderOptions {
  /** HelmRelease or Kustomization. */
  kind: string;
  client: KubeClient;
  graph: DependencyGraph;
  /** The only namespace to look into; all unless told. */
  namespace?: string;
  /** `--no-cross-namespace-refs`: nobody waits for dependants of other namespaces. */
  noCrossNamespaceRefs: boolean;
  clock?: Clock;
  /** Called with the key of each object whose dependants may have gone. */
  onChange(key: string): void;
}

/**
 * Has what is deleted together deleted in the reverse order of its dependencies: who is depended upon waits until
 * dependants that are being deleted have gone.
 *
 * 1. Dependants that stay are not waited for, but for a moment in which they may turn out to be deleted, too.
 * 2. Nothing is waited for in a cycle, nor where an annotation says so, nor for longer than ten minutes.
 */
export class DeletionOrder {
  readonly #options: DeletionOrderOptions;
  /** Since when objects are being deleted, as far as this process knows, in milliseconds since the epoch. */
  readonly #since = new Map<string, number>();
  /** How new a list of the other kind has to be, for each, in milliseconds since the epoch. */
  readonly #listFrom = new Map<string, number>();
  /** What was not waited for any longer. */
  readonly #overdue = new Set<string>();
  readonly #flight = new SingleFlight<void>();
  readonly #clock: Clock;
  #listed = { objects: [] as Dependant[], at: Number.NEGATIVE_INFINITY };

  constructor(options: DeletionOrderOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  /**
   * Checks that no dependant of an object that is being deleted has to be deleted first.
   *
   * @returns dependants that remain although they were waited for long enough; once
   * @throws WaitingError DependantsRemain that names them
   * @throws ApiError, ConnectionError when the API server cannot be asked for objects of the other kind
   */
  async check(object: Dependant, signal?: AbortSignal): Promise<string[]> {
    const { graph } = this.#options;
    const nowMs = this.#clock.now();
    const since = this.#sinceOf(object);
    if (isUnordered(object) || this.#overdue.has(keyOf(object))) return [];
    if (graph.cycleOf(object) !== undefined) return [];
    const mayFollow = nowMs - since < togetherMs;
    const own = graph.dependantsOf(object).filter(({ kind }) => kind === object.kind);
    const found = [...own, ...(await this.#others(object, signal))];
    const left = found.filter((one) => this.#counts(one, object) && (isLeaving(one) || mayFollow));
    if (left.length === 0) return [];
    const deletedAt = Date.parse(object.metadata.deletionTimestamp ?? '');
    const names = left.map(displayName);
    if (nowMs - Math.min(since, deletedAt || since) >= limitMs) {
      this.#overdue.add(keyOf(object));
      return names;
    }
    this.#listFrom.set(keyOf(object), nowMs + 1);
    const untilMs = since + (left.some(isLeaving) ? limitMs : togetherMs);
    const more = names.length > maxShown ? ` and ${names.length - maxShown} more` : '';
    throw new WaitingError(
      dependantsRemainReason,
      `waits until what depends on it is deleted: ${names.slice(0, maxShown).join(', ')}${more}; to delete it at once, annotate it with ${pruneOrderAnnotation}=${disabledValue}`,
      { retryAfterMs: Math.max(1, untilMs - nowMs) },
    );
  }

  /**
   * Whether what an object has made must be gone before it goes: something that it depends on is being deleted, too, or
   * may turn out to be.
   */
  awaitsTermination(object: Dependant): boolean {
    const { graph, kind } = this.#options;
    if (isUnordered(object)) return false;
    const mayFollow = this.#clock.now() - this.#sinceOf(object) < togetherMs;
    const dependencies = applierIdsOf(object, kind).flatMap((id) => graph.get(id) ?? []);
    return dependencies.some((one) => mayFollow || isLeaving(one));
  }

  /** Notes that a dependant is gone; whoever waits for none that is known any more looks again. */
  noteGone(object: KubeObject): void {
    const key = keyOf(object);
    if (!this.#since.has(key)) return;
    const known = this.#options.graph.dependantsOf(object);
    if (!known.some((one) => isLeaving(one) && this.#counts(one, object)))
      this.#options.onChange(key);
  }

  /** Notes a change of an object: its deletion, or that an annotation ends its wait. */
  noteChange(object: KubeObject, previous: KubeObject | undefined): void {
    if (isLeaving(object)) this.#sinceOf(object);
    const isNew = isUnordered(object) && !(previous !== undefined && isUnordered(previous));
    if (isNew && this.#since.has(keyOf(object))) this.#options.onChange(keyOf(object));
  }

  /** Forgets an object that is gone. */
  forget(key: string): void {
    this.#since.delete(key);
    this.#overdue.delete(key);
    this.#listFrom.delete(key);
    if (this.#since.size === 0) this.#listed = { objects: [], at: Number.NEGATIVE_INFINITY };
  }

  #sinceOf(object: KubeObject): number {
    const key = keyOf(object);
    const since = this.#since.get(key) ?? this.#clock.now();
    this.#since.set(key, since);
    return since;
  }

  /** Whether a dependant is one whose end is worth waiting for. */
  #counts(one: KubeObject, object: KubeObject): boolean {
    const { noCrossNamespaceRefs } = this.#options;
    if (noCrossNamespaceRefs && one.metadata.namespace !== object.metadata.namespace) return false;
    return hasFinalizer(one, finalizer);
  }

  /**
   * Finds dependants of the other kind. What one watch tells may come later than what another one does: so they are
   * listed, and the watch is only what wakes.
   */
  async #others(object: KubeObject, signal?: AbortSignal): Promise<KubeObject[]> {
    const { kind } = this.#options;
    const id = `${kind}/${keyOf(object)}`;
    const other = otherApplierKind(kind).kind;
    const from = this.#listFrom.get(keyOf(object)) ?? this.#sinceOf(object);
    const all = await this.#listSince(from, signal);
    const found = all.filter((one) => applierIdsOf(one, other).includes(id));
    if (found.length > 0) this.#follow(keyOf(object));
    return found;
  }

  /** What has gone before the watch began is told by none of its events. */
  #follow(key: string): void {
    const { graph, onChange } = this.#options;
    graph.watchOther().then(
      () => onChange(key),
      // It was stopped.
      () => undefined,
    );
  }

  /** Lists the objects of the other kind, once for all whose deletion began before. */
  async #listSince(from: number, signal?: AbortSignal): Promise<Dependant[]> {
    // A list that is under way may have begun too early; the next one has not.
    for (let tries = 0; this.#listed.at < from && tries < 2; tries += 1) {
      signal?.throwIfAborted();
      await this.#flight.run('', () => this.#list());
    }
    return this.#listed.objects;
  }

  async #list(): Promise<void> {
    const { client, kind, namespace } = this.#options;
    const at = this.#clock.now();
    const other = otherApplierKind(kind);
    const objects = await client
      .list<Dependant>(resourceOf(other), { namespace })
      .then(({ items }) =>
        items.filter((one) => applierIdsOf(one, other.kind).length > 0).map(asDependant),
      )
      .catch((error: unknown) => {
        // Without the kind, or the right to see it, nothing of it can be waited for.
        if (isNotFound(error) || isForbidden(error)) return [];
        throw error;
      });
    this.#listed = { objects, at };
  }
}

function asDependant({ apiVersion, kind, metadata, spec: { dependsOn } }: Dependant): Dependant {
  const { name, namespace, finalizers, deletionTimestamp } = metadata;
  const known = { name, namespace, finalizers, deletionTimestamp };
  return { apiVersion, kind, metadata: known, spec: { dependsOn } };
}

function isUnordered({ metadata }: KubeObject): boolean {
  return metadata.annotations?.[pruneOrderAnnotation] === disabledValue;
}

function isLeaving({ metadata }: KubeObject): boolean {
  return metadata.deletionTimestamp !== undefined;
}
