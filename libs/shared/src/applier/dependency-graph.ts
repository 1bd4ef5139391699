import { finalizer, type KubeObject } from '@sluice/shared/api';
import type { Logger } from '@sluice/shared/base';
import {
  createInformer,
  type Informer,
  type KubeClient,
  keyOf,
  resourceOf,
  type WatchMonitor,
} from '@sluice/shared/kube';
import { DependencyIndex, hasFinalizer } from '@sluice/shared/runtime';
import { type DependencyChange, saysSomethingElse } from './dependency-readiness.ts';
import { applierIdsOf, type Dependant, otherApplierKind } from './dependency-reference.ts';

/** How to create {@link DependencyGraph}. */
export interface DependencyGraphOptions {
  /** HelmRelease or Kustomization: of the objects that depend on others, and of a dependency that names no kind. */
  kind: string;
  informer: Informer<KubeObject>;
  client: KubeClient;
  logger: Logger;
  /** The only namespace to watch; all unless told. */
  namespace?: string;
  monitor?: WatchMonitor;
}

/** Who is told of changes, by the keys of those whom they concern. */
export interface GraphListener {
  /** A dependency may have become ready, or says why it is not. */
  onDependency(dependant: string): void;
  /** A dependant is gone, or nothing holds it any more. */
  onDependantGone(dependency: string): void;
}

/**
 * Knows the Kustomizations and HelmReleases that depend on each other, by identities `<kind>/<namespace>/<name>`. Objects
 * of the other kind are watched only once something depends on one.
 */
export class DependencyGraph {
  readonly #options: DependencyGraphOptions;
  readonly #listener: GraphListener;
  readonly #index = new DependencyIndex();
  #other: Informer<KubeObject> | undefined;

  constructor(options: DependencyGraphOptions, listener: GraphListener) {
    this.#options = options;
    this.#listener = listener;
    options.informer.onEvent((event) => {
      const id = this.#idOf(keyOf(event.object));
      if (event.type === 'deleted') this.#index.delete(id);
      else this.#set(id, event.object as Dependant);
      this.#changed(id, event);
    });
    options.informer.onRefused(({ object }) =>
      this.#changed(this.#idOf(keyOf(object)), { object }),
    );
  }

  /** Returns the object of an identity; undefined when it is not known. */
  get(id: string): KubeObject | undefined {
    const key = keyIn(id);
    const informer = this.#isOwn(id) ? this.#options.informer : this.#other;
    return informer?.get(key) ?? informer?.refused.get(key)?.object;
  }

  /** Names an identity for people; the kind is left out where it is the object's own. */
  shown(id: string): string {
    return this.#isOwn(id) ? keyIn(id) : id;
  }

  /** Names the cycle of dependencies that an object is in; undefined when there is none. */
  cycleOf(object: KubeObject): string | undefined {
    const cycle = this.#index.cycleOf(this.#idOf(keyOf(object)));
    return cycle?.map((id) => this.shown(id)).join(' → ');
  }

  /** Returns the known objects that depend on one of ours. */
  dependantsOf(object: KubeObject): KubeObject[] {
    const ids = this.#index.dependantsOf(this.#idOf(keyOf(object)));
    return ids.flatMap((id) => this.get(id) ?? []);
  }

  /** Watches the other kind from now on; resolves when all objects of it are known, rejects when stopped before. */
  async watchOther(): Promise<void> {
    this.#other ??= this.#createOther();
    await this.#other.synced();
  }

  /** Ends the watch of the other kind. */
  async stop(): Promise<void> {
    await this.#other?.stop();
  }

  #set(id: string, object: Dependant): void {
    const ids = applierIdsOf(object, this.#options.kind);
    this.#index.set(id, ids);
    if (ids.some((one) => !this.#isOwn(one))) this.#other ??= this.#createOther();
  }

  #createOther(): Informer<KubeObject> {
    const { kind, client, logger, namespace, monitor } = this.#options;
    const other = otherApplierKind(kind);
    const informer = createInformer<KubeObject>({
      client,
      // Only their metadata, dependencies and status are read.
      resource: resourceOf(other),
      logger,
      namespace,
      monitor,
      // One object makes it start, also where the kind is not installed: that must not make the process unready.
      optional: true,
    });
    informer.onEvent((event) => {
      const id = `${other.kind}/${keyOf(event.object)}`;
      // For cycles through both kinds.
      if (event.type === 'deleted') this.#index.delete(id);
      else this.#index.set(id, applierIdsOf(event.object as Dependant, other.kind));
      this.#changed(id, event);
    });
    informer.start();
    return informer;
  }

  #changed(id: string, change: DependencyChange): void {
    this.#left(id, change);
    const isNews = saysSomethingElse(change);
    for (const dependant of this.#index.dependantsOf(id)) {
      if (!this.#isOwn(dependant)) continue;
      const key = keyIn(dependant);
      const object = this.#options.informer.get(key) as Dependant | undefined;
      const usesExpression = object?.spec.dependsOn?.some((one) => one.readyExpr);
      if (isNews || usesExpression) this.#listener.onDependency(key);
    }
  }

  #left(id: string, { type, object, previous }: DependencyChange): void {
    const isHeld = (one: KubeObject | undefined) =>
      one !== undefined && hasFinalizer(one, finalizer);
    if (type !== 'deleted' && !(isHeld(previous) && !isHeld(object))) return;
    for (const dependency of applierIdsOf(object as Dependant, id.slice(0, id.indexOf('/'))))
      if (this.#isOwn(dependency)) this.#listener.onDependantGone(keyIn(dependency));
  }

  #isOwn(id: string): boolean {
    return id.startsWith(`${this.#options.kind}/`);
  }

  #idOf(key: string): string {
    return `${this.#options.kind}/${key}`;
  }
}

function keyIn(id: string): string {
  return id.slice(id.indexOf('/') + 1);
}
