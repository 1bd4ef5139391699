import {
  helmReleaseKind,
  type KindDefinition,
  type KubeObject,
  kustomizationKind,
} from '@sluice/shared/api';
import {
  errorMessage,
  Listeners,
  type Logger,
  StalledError,
  WaitingError,
} from '@sluice/shared/base';
import {
  celBudgetOf,
  checkCelCount,
  compileCel,
  createInformer,
  type Informer,
  type KubeClient,
  keyOf,
  resourceOf,
  type WatchMonitor,
} from '@sluice/shared/kube';
import {
  conditionsOf,
  DependencyIndex,
  findCondition,
  isReady,
  readyCondition,
  whyUnready,
} from '@sluice/shared/runtime';

const kinds: Record<string, KindDefinition> = {
  HelmRelease: helmReleaseKind as KindDefinition,
  Kustomization: kustomizationKind as KindDefinition,
};

/** An entry of `spec.dependsOn`. */
export interface DependencyReference {
  kind?: string;
  name: string;
  namespace?: string;
  readyExpr?: string;
}

/** An object that depends on others. */
export interface Dependant extends KubeObject {
  spec: { dependsOn?: DependencyReference[] };
}

/** How to create {@link DependencyWatch}. */
export interface DependencyWatchOptions {
  /** HelmRelease or Kustomization: of the objects that depend on others, and of a dependency that names no kind. */
  kind: string;
  informer: Informer<KubeObject>;
  client: KubeClient;
  logger: Logger;
  /** The only namespace to watch; all unless told. */
  namespace?: string;
  monitor?: WatchMonitor;
  /** The gate AdditiveCELDependencyCheck: readyExpr adds to the usual check instead of replacing it. */
  additive: boolean;
  /** `--no-cross-namespace-refs`: a readyExpr may look only into objects of its own namespace. */
  noCrossNamespaceRefs: boolean;
}

/** What has become of a dependency. */
interface DependencyChange {
  type?: 'added' | 'modified' | 'deleted';
  object: KubeObject;
  previous?: KubeObject | undefined;
}

/** Whether dependants have something new to say: that it is ready, or why it is not. While it works, nothing is new. */
function saysSomethingElse({ type, object, previous }: DependencyChange): boolean {
  if (isReady(object) || type === 'deleted' || previous === undefined) return true;
  const ready = findCondition(conditionsOf(object), readyCondition);
  if (ready?.status === 'Unknown') return false;
  return whyUnready(object, { quote: true }) !== whyUnready(previous, { quote: true });
}

/**
 * Knows which objects depend on which, and whether those are ready.
 *
 * 1. A dependant hears of each change of what it depends on that may end its waiting or changes the reason for it,
 *    whatever the kind.
 * 2. The other kind is watched only once something depends on an object of it.
 */
export class DependencyWatch {
  readonly #options: DependencyWatchOptions;
  readonly #index = new DependencyIndex();
  readonly #listeners: Listeners<string>;
  #other: Informer<KubeObject> | undefined;

  constructor(options: DependencyWatchOptions) {
    this.#options = options;
    this.#listeners = new Listeners((error, dependant) =>
      options.logger.error(
        { error: errorMessage(error), dependant },
        'Listener to dependencies failed',
      ),
    );
    options.informer.onEvent((event) => {
      const key = keyOf(event.object);
      if (event.type === 'deleted') this.#index.delete(this.#idOf(key));
      else this.#set(event.object as Dependant);
      this.#changed(this.#idOf(key), event);
    });
    options.informer.onRefused(({ object }) =>
      this.#changed(this.#idOf(keyOf(object)), { object }),
    );
  }

  /** Calls the listener with the key of each object whose dependency may have become ready. */
  onChange(listener: (dependant: string) => void): void {
    this.#listeners.add(listener);
  }

  /** Ends the watch of the other kind. */
  async stop(): Promise<void> {
    await this.#other?.stop();
  }

  /**
   * Checks that everything in spec.dependsOn is ready.
   *
   * @param moreToAsk a further condition for a ready dependency of the same kind; says what is wrong
   * @throws WaitingError DependencyNotReady naming the first that is not, and the cycle if it is part of one
   * @throws StalledError InvalidCELExpression, and AccessDenied for a readyExpr on another namespace where references
   * across namespaces are blocked
   */
  check(object: Dependant, moreToAsk?: (dependency: KubeObject) => string | undefined): void {
    const references = object.spec.dependsOn ?? [];
    checkCelCount(
      references.flatMap(({ readyExpr }) => readyExpr ?? []),
      'spec.dependsOn',
    );
    for (const [index, reference] of references.entries()) {
      const field = `spec.dependsOn[${index}]`;
      this.#refuseForeignExpression(object, reference, field);
      const why = this.#whyNotReady({ object, reference, field, moreToAsk });
      if (why === undefined) continue;
      const cycle = this.#index.cycleOf(this.#idOf(keyOf(object)));
      const hint =
        cycle === undefined
          ? ''
          : `; it can never be: the dependencies form a cycle: ${cycle.map((id) => this.#shown(id)).join(' → ')}`;
      const name = this.#shown(this.#idOfReference(object, reference));
      throw new WaitingError('DependencyNotReady', `dependency '${name}' ${why}${hint}`);
    }
  }

  /** An expression tells its author what it finds, one bit at a time. */
  #refuseForeignExpression(object: Dependant, reference: DependencyReference, field: string): void {
    const { namespace } = object.metadata;
    if (!this.#options.noCrossNamespaceRefs || !reference.readyExpr) return;
    if (reference.namespace === undefined || reference.namespace === namespace) return;
    const id = this.#idOfReference(object, reference);
    throw new StalledError(
      'AccessDenied',
      `can't access '${id}' of ${field}.readyExpr, cross-namespace references have been blocked: leave out readyExpr, or depend on an object in namespace '${namespace}'`,
    );
  }

  #whyNotReady(o: {
    object: Dependant;
    reference: DependencyReference;
    field: string;
    moreToAsk: ((dependency: KubeObject) => string | undefined) | undefined;
  }): string | undefined {
    const { object, reference, field, moreToAsk } = o;
    const dependency = this.#get(this.#idOfReference(object, reference));
    if (dependency === undefined) return `not found (${field}): create it`;
    if (reference.readyExpr) {
      const holds = this.#evaluate(object, dependency, {
        expression: reference.readyExpr,
        field: `${field}.readyExpr`,
      });
      if (!holds) return 'is not ready according to readyExpr';
      if (!this.#options.additive) return undefined;
    }
    const isOwnNamespace = dependency.metadata.namespace === object.metadata.namespace;
    const quote = isOwnNamespace || !this.#options.noCrossNamespaceRefs;
    const why = whyUnready(dependency, { quote });
    if (why !== undefined) return `is not ready: ${why}`;
    return dependency.kind === this.#options.kind ? moreToAsk?.(dependency) : undefined;
  }

  #evaluate(self: Dependant, dep: KubeObject, o: { expression: string; field: string }): boolean {
    const predicate = compileCel(o.expression, o.field, ['self', 'dep']);
    try {
      return predicate({ self, dep }, celBudgetOf(self.spec.dependsOn ?? self));
    } catch (error) {
      // Mostly because a status is not there yet.
      const { logger } = this.#options;
      logger.debug(
        { dependency: dep.metadata.name, error: errorMessage(error) },
        'readyExpr could not be evaluated',
      );
      return false;
    }
  }

  #set(object: Dependant): void {
    const ids = (object.spec.dependsOn ?? []).map((one) => this.#idOfReference(object, one));
    this.#index.set(this.#idOf(keyOf(object)), ids);
    if (ids.some((id) => !this.#isOwn(id))) this.#watchOther();
  }

  #watchOther(): void {
    if (this.#other !== undefined) return;
    const { kind, client, logger, namespace, monitor } = this.#options;
    const other = kinds[kind === 'HelmRelease' ? 'Kustomization' : 'HelmRelease'] as KindDefinition;
    const resource = resourceOf(other);
    this.#other = createInformer<KubeObject>({
      client,
      // Only their metadata and status are read.
      resource,
      logger,
      namespace,
      monitor,
      // One object makes it start, also where the kind is not installed: that must not make the process unready.
      optional: true,
    });
    this.#other.onEvent((event) => {
      this.#changed(`${other.kind}/${keyOf(event.object)}`, event);
    });
    this.#other.start();
  }

  #changed(id: string, change: DependencyChange): void {
    const isNews = saysSomethingElse(change);
    for (const dependant of this.#index.dependantsOf(id)) {
      const key = dependant.slice(dependant.indexOf('/') + 1);
      const object = this.#options.informer.get(key) as Dependant | undefined;
      const usesExpression = object?.spec.dependsOn?.some((one) => one.readyExpr);
      if (!isNews && !usesExpression) continue;
      this.#listeners.emit(key);
    }
  }

  #get(id: string): KubeObject | undefined {
    const key = id.slice(id.indexOf('/') + 1);
    const informer = this.#isOwn(id) ? this.#options.informer : this.#other;
    return informer?.get(key) ?? informer?.refused.get(key)?.object;
  }

  /** The kind is left out where it is the object's own. */
  #shown(id: string): string {
    return this.#isOwn(id) ? id.slice(id.indexOf('/') + 1) : id;
  }

  #isOwn(id: string): boolean {
    return id.startsWith(`${this.#options.kind}/`);
  }

  #idOf(key: string): string {
    return `${this.#options.kind}/${key}`;
  }

  #idOfReference(object: KubeObject, reference: DependencyReference): string {
    const { kind = this.#options.kind, name, namespace = object.metadata.namespace } = reference;
    return `${kind}/${keyOf({ namespace, name })}`;
  }
}
