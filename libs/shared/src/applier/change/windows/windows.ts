import { type KindDefinition, type KubeObject, windowKind } from '@sluice/shared/api';
import { type Clock, errorMessage, Listeners, type Logger, systemClock } from '@sluice/shared/base';
import { AwaitedKinds } from '@sluice/shared/engine';
import {
  createInformer,
  type Informer,
  type InformerEvent,
  type KubeClient,
  keyOf,
  NoKindMatchError,
  resourceOf,
  type WatchMonitor,
} from '@sluice/shared/kube';
import { withBareMetadata } from '../bare-metadata.ts';
import { type ReadWindow, readWindow } from './read-window.ts';
import { type WindowVerdict, windowVerdict } from './window-verdict.ts';

/** How to make {@link Windows}. */
export interface WindowsOptions {
  client: KubeClient;
  logger: Logger;
  /** The objects that Windows are for. */
  objects: Pick<Informer<KubeObject>, 'list' | 'onEvent'>;
  /** `--cluster-windows-namespace`: whose Windows are for objects of every namespace; empty for none. */
  clusterNamespace: string;
  /** The only namespace to watch; all unless told. */
  namespace?: string;
  monitor?: WatchMonitor;
  clock?: Clock;
}

const kind = windowKind as KindDefinition;
/** How many may be for one object: each is asked for each change of it. */
const maxWindows = 100;

/**
 * The Windows of a cluster. Those of its own namespace, and of the administrator's, are for an object, as far as they
 * select its labels. Where the kind is not served, nothing is held until it is.
 */
export class Windows {
  readonly #options: WindowsOptions;
  readonly #clock: Clock;
  readonly #kinds: AwaitedKinds;
  /** By namespace and name. */
  readonly #windows = new Map<string, Map<string, ReadWindow>>();
  readonly #listeners: Listeners<string>;
  #informers: readonly Informer<KubeObject>[] = [];
  #isStopped = false;

  constructor(options: WindowsOptions) {
    const { client, logger, objects } = options;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#listeners = new Listeners((error, object) =>
      logger.error({ error: errorMessage(error), object }, 'Listener to Windows failed'),
    );
    this.#kinds = new AwaitedKinds({ client, logger, onServed: () => this.#watch() });
    objects.onEvent((event) => this.#objectChanged(event));
  }

  /** Starts the watches. Resolves once all Windows are known, or when there can be none yet. */
  async start(signal: AbortSignal): Promise<void> {
    try {
      await this.#options.client.mapper.resourceFor(kind);
    } catch (error) {
      if (!(error instanceof NoKindMatchError)) throw error;
      this.#options.logger.info({}, 'Windows are not installed and not watched yet');
      this.#kinds.waitFor(kind.kind, [kind]);
      return;
    }
    this.#watch();
    await Promise.all(this.#informers.map((informer) => informer.synced(signal)));
  }

  /** Ends the watches. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await Promise.all([this.#kinds.stop(), ...this.#informers.map((informer) => informer.stop())]);
  }

  /** Says whether Windows hold changes of an object now. When it has to be asked again, {@link onChange} tells. */
  verdictOf(object: KubeObject): WindowVerdict {
    const windows = this.#windowsFor(object);
    if (windows.length <= maxWindows) return windowVerdict(windows, this.#clock.now());
    return {
      open: false,
      untilMs: undefined,
      message: `changes are held because ${windows.length} Windows are for the object, more than ${maxWindows}: delete some, or narrow their spec.selector`,
      names: [],
      overrun: true,
      holdsDrift: false,
    };
  }

  /**
   * Calls the listener with the key of each object that a Window which was made, changed or deleted is for, or was for.
   * That the time of a Window has come, or is over, is told to nobody: a verdict says until when it is true.
   */
  onChange(listener: (key: string) => void): void {
    this.#listeners.add(listener);
  }

  #watch(): void {
    if (this.#isStopped || this.#informers.length > 0) return;
    const { namespace, clusterNamespace } = this.#options;
    const namespaces = new Set([namespace]);
    if (namespace !== undefined && clusterNamespace !== '') namespaces.add(clusterNamespace);
    this.#informers = [...namespaces].map((one) => this.#informerOf(one));
    for (const informer of this.#informers) {
      informer.onEvent((event) => this.#windowChanged(event));
      informer.start();
    }
  }

  #informerOf(namespace: string | undefined): Informer<KubeObject> {
    const { client, logger, monitor } = this.#options;
    const resource = resourceOf(kind);
    return createInformer<KubeObject>({
      client,
      resource,
      logger,
      namespace,
      monitor,
      transform: withBareMetadata,
    });
  }

  #windowChanged({ type, object, previous }: InformerEvent<KubeObject>): void {
    if (previous?.metadata.generation === object.metadata.generation && type === 'modified') return;
    const { name, namespace = '' } = object.metadata;
    const known = this.#windows.get(namespace) ?? new Map<string, ReadWindow>();
    const before = known.get(name);
    const after = type === 'deleted' ? undefined : readWindow(object);
    if (after === undefined) known.delete(name);
    else known.set(name, after);
    if (known.size === 0) this.#windows.delete(namespace);
    else this.#windows.set(namespace, known);
    this.#tell(namespace, [before, after]);
  }

  #tell(namespace: string, windows: readonly (ReadWindow | undefined)[]): void {
    const isForAll = namespace === this.#options.clusterNamespace;
    for (const object of this.#options.objects.list()) {
      const { labels, namespace: own } = object.metadata;
      if (!isForAll && own !== namespace) continue;
      if (windows.some((one) => one?.selects(labels))) this.#listeners.emit(keyOf(object));
    }
  }

  /** A change of labels alone is no reason to reconcile an object, unless other Windows are for it then. */
  #objectChanged({ type, object, previous }: InformerEvent<KubeObject>): void {
    if (type !== 'modified' || previous === undefined) return;
    const before = new Set(this.#windowsFor(previous));
    const after = new Set(this.#windowsFor(object));
    if (before.symmetricDifference(after).size > 0) this.#listeners.emit(keyOf(object));
  }

  #windowsFor({ metadata: { namespace = '', labels } }: KubeObject): ReadWindow[] {
    const namespaces = new Set([namespace, this.#options.clusterNamespace]);
    return [...namespaces]
      .flatMap((one) => [...(this.#windows.get(one)?.values() ?? [])])
      .filter(({ selects }) => selects(labels));
  }
}
