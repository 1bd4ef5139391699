import type { KubeObject } from '@sluice/shared/api';
import {
  type Clock,
  errorMessage,
  Listeners,
  StalledError,
  WaitingError,
} from '@sluice/shared/base';
import { checkCelCount, keyOf } from '@sluice/shared/kube';
import { isSuspended, whyUnready } from '@sluice/shared/runtime';
import { DeletionOrder } from './deletion-order.ts';
import { DependencyGraph, type DependencyGraphOptions } from './dependency-graph.ts';
import { DependencyObjects, type DependencyObjectsOptions } from './dependency-objects.ts';
import { holdsReadyExpr, whyObjectUnready } from './dependency-readiness.ts';
import {
  applierIdOf,
  checkReferenceCount,
  type Dependant,
  type DependencyReference,
  objectReferenceOf,
} from './dependency-reference.ts';

/** How to create {@link DependencyWatch}. */
export interface DependencyWatchOptions extends DependencyGraphOptions {
  clock?: Clock;
  /** Returns the client that acts as a dependant's account in the cluster we run in. */
  clientOf: DependencyObjectsOptions['clientOf'];
  /** The gate AdditiveCELDependencyCheck: readyExpr adds to the usual check instead of replacing it. */
  additive: boolean;
  /**
   * `--no-cross-namespace-refs`: a readyExpr, and what depends on an object of any kind, may look only into objects of
   * its own namespace.
   */
  noCrossNamespaceRefs: boolean;
}

/** How to check dependencies. */
export interface CheckOptions {
  /** A further condition for a ready dependency of the same kind; says what is wrong. */
  moreToAsk?: (dependency: KubeObject) => string | undefined;
  signal?: AbortSignal;
}

/** An entry of spec.dependsOn that is looked at. */
interface Entry extends CheckOptions {
  object: Dependant;
  reference: DependencyReference;
  /** Where it stands, for messages. */
  field: string;
}

/** What is wrong with a dependency, and how it is called. */
interface Unready {
  shown: string;
  why: string;
  retryAfterMs?: number | undefined;
}

/**
 * Knows which objects depend on which, and whether those are ready.
 *
 * 1. A dependant that waits hears of each change of what it waits for that may end its waiting or changes the reason
 *    for it, whatever the kind.
 * 2. Objects of the other kind are watched only once something depends on one, those of any further kind only while
 *    something waits for one.
 */
export class DependencyWatch {
  readonly #options: DependencyWatchOptions;
  readonly #graph: DependencyGraph;
  readonly #order: DeletionOrder;
  readonly #listeners: Listeners<string>;
  readonly #objects: DependencyObjects;
  /** Whose last check found something that is not ready, or is under way. */
  readonly #waiting = new Set<string>();

  constructor(options: DependencyWatchOptions) {
    this.#options = options;
    this.#listeners = new Listeners((error, dependant) =>
      options.logger.error(
        { error: errorMessage(error), dependant },
        'Listener to dependencies failed',
      ),
    );
    const onChange = (dependant: string) => {
      if (this.#waiting.has(dependant)) this.#listeners.emit(dependant);
    };
    this.#graph = new DependencyGraph(options, {
      onDependency: onChange,
      onDependantGone: (key) => {
        const object = options.informer.get(key) ?? options.informer.refused.get(key)?.object;
        if (object !== undefined) this.#order.noteGone(object);
      },
    });
    this.#order = new DeletionOrder({
      ...options,
      graph: this.#graph,
      onChange: (key) => this.#listeners.emit(key),
    });
    this.#objects = new DependencyObjects({ ...options, onChange });
    options.informer.onEvent(({ type, object, previous }) => {
      const isIdle = object.metadata.deletionTimestamp !== undefined || isSuspended(object);
      if (type === 'deleted' || isIdle) this.#settle(keyOf(object));
      if (type === 'deleted') this.#order.forget(keyOf(object));
      else this.#order.noteChange(object, previous);
    });
  }

  /**
   * Calls the listener with the key of each object that waits for a dependency that may have become ready, or, being
   * deleted, for dependants that may have gone.
   */
  onChange(listener: (dependant: string) => void): void {
    this.#listeners.add(listener);
  }

  /** Ends the watches of other kinds. */
  async stop(): Promise<void> {
    await Promise.all([this.#graph.stop(), this.#objects.stop()]);
  }

  /**
   * Checks that everything in spec.dependsOn is ready. An object of a kind other than the two that depend on others is
   * read as the dependant's account.
   *
   * @throws WaitingError DependencyNotReady naming the first that is not, and the cycle if it is part of one
   * @throws StalledError InvalidSpec for what can be no object, InvalidCELExpression, and AccessDenied for what may not
   * look into another namespace where references across namespaces are blocked
   */
  async check(object: Dependant, o: CheckOptions = {}): Promise<void> {
    const key = keyOf(object);
    const references = object.spec.dependsOn ?? [];
    if (references.length === 0) return this.#settle(key);
    // A change while others are looked at must not go unheard.
    this.#waiting.add(key);
    try {
      await this.#checkAll(object, references, o);
    } catch (error) {
      if (!(error instanceof WaitingError)) this.#settle(key);
      throw error;
    }
    this.#settle(key);
  }

  /** See {@link DeletionOrder.check}. */
  checkDependants(object: Dependant, signal?: AbortSignal): Promise<string[]> {
    return this.#order.check(object, signal);
  }

  /** See {@link DeletionOrder.awaitsTermination}. */
  awaitsTermination(object: Dependant): boolean {
    return this.#order.awaitsTermination(object);
  }

  async #checkAll(
    object: Dependant,
    references: DependencyReference[],
    o: CheckOptions,
  ): Promise<void> {
    checkCelCount(
      references.flatMap(({ readyExpr }) => readyExpr ?? []),
      'spec.dependsOn',
    );
    checkReferenceCount(object, this.#options.kind);
    for (const [index, reference] of references.entries()) {
      const entry = { ...o, object, reference, field: `spec.dependsOn[${index}]` };
      const id = applierIdOf(object, reference, this.#options.kind);
      const unready =
        id === undefined ? await this.#lookAtObject(entry) : this.#lookAtApplier(entry, id);
      if (unready === undefined) continue;
      // What an earlier check waited for no longer matters.
      if (id !== undefined) this.#objects.settle(keyOf(object));
      const { shown, why, retryAfterMs } = unready;
      const message = `dependency '${shown}' ${why}${this.#cycleHint(object)}`;
      throw new WaitingError('DependencyNotReady', message, { retryAfterMs });
    }
  }

  #cycleHint(object: Dependant): string {
    const cycle = this.#graph.cycleOf(object);
    if (cycle === undefined) return '';
    return `; it can never be: the dependencies form a cycle: ${cycle}`;
  }

  /** An expression tells its author what it finds, one bit at a time. */
  #refuseForeign({ object, reference }: Entry, o: { id: string; field: string; hint: string }) {
    const { namespace } = object.metadata;
    if (!this.#options.noCrossNamespaceRefs) return;
    if (!reference.namespace || reference.namespace === namespace) return;
    throw new StalledError(
      'AccessDenied',
      `can't access '${o.id}' of ${o.field}, cross-namespace references have been blocked: ${o.hint}, or depend on an object in namespace '${namespace}'`,
    );
  }

  #lookAtApplier(entry: Entry, id: string): Unready | undefined {
    const { object, reference, field, moreToAsk } = entry;
    if (reference.readyExpr)
      this.#refuseForeign(entry, { id, field: `${field}.readyExpr`, hint: 'leave out readyExpr' });
    const shown = this.#graph.shown(id);
    const dependency = this.#graph.get(id);
    if (dependency === undefined) return { shown, why: `not found (${field}): create it` };
    const isOwnNamespace = dependency.metadata.namespace === object.metadata.namespace;
    const quote = isOwnNamespace || !this.#options.noCrossNamespaceRefs;
    const why = this.#whyNotReady(entry, dependency, () => {
      if (reference.ready === false) return undefined;
      const unready = whyUnready(dependency, { quote });
      if (unready !== undefined) return `is not ready: ${unready}`;
      return dependency.kind === this.#options.kind ? moreToAsk?.(dependency) : undefined;
    });
    return why === undefined ? undefined : { shown, why };
  }

  async #lookAtObject(entry: Entry): Promise<Unready | undefined> {
    const { object, reference, field, signal } = entry;
    const wanted = objectReferenceOf(object, reference, field);
    const id = `${wanted.gvk.kind}/${keyOf(wanted.key)}`;
    this.#refuseForeign(entry, { id, field, hint: 'leave out namespace' });
    const metadataOnly = !reference.ready && !reference.readyExpr;
    const found = await this.#objects.look(object, wanted, { field, metadataOnly, signal });
    const { shown, object: dependency, why: missing = '', retryAfterMs } = found;
    if (dependency === undefined) return { shown, why: missing, retryAfterMs };
    const why = this.#whyNotReady(entry, dependency, () => {
      const unready = reference.ready ? whyObjectUnready(dependency, object) : undefined;
      return unready === undefined ? undefined : `is not ready: ${unready}`;
    });
    if (why === undefined) return undefined;
    this.#objects.wait(object, dependency);
    return { shown, why };
  }

  /** Asks readyExpr, and the usual check where that counts. */
  #whyNotReady(
    { object: self, reference, field }: Entry,
    dep: KubeObject,
    usualCheck: () => string | undefined,
  ): string | undefined {
    const { logger, additive } = this.#options;
    const { readyExpr: expression } = reference;
    if (expression) {
      const o = { expression, field: `${field}.readyExpr`, logger };
      if (!holdsReadyExpr({ self, dep }, o)) return 'is not ready according to readyExpr';
      if (!additive) return undefined;
    }
    return usualCheck();
  }

  #settle(key: string): void {
    if (this.#waiting.delete(key)) this.#objects.settle(key);
  }
}
