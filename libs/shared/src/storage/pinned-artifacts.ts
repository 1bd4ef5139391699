import { helmGroup, type KubeObject, kustomizeGroup } from '@sluice/shared/api';
import type { ArtifactPins } from '@sluice/shared/artifact';
import { backoff, type Logger, systemClock, whenAborted } from '@sluice/shared/base';
import {
  type ApiResource,
  createInformer,
  type Informer,
  isForbidden,
  type KubeClient,
  NoKindMatchError,
  type WatchMonitor,
} from '@sluice/shared/kube';

/** The kinds whose status may name artifacts that are still needed; their schemas are not loaded for it. */
const consumers: ApiResource[] = [
  {
    group: kustomizeGroup,
    version: 'v1',
    kind: 'Kustomization',
    plural: 'kustomizations',
    namespaced: true,
  },
  {
    group: helmGroup,
    version: 'v2',
    kind: 'HelmRelease',
    plural: 'helmreleases',
    namespaced: true,
  },
];
/** Pins of one object. */
const maxPins = 2;
const byOwner = 'owner';

/** What is kept of a consumer. */
interface Pinning extends KubeObject {
  status: { pinnedArtifacts: { path: string }[] };
}

export interface PinnedArtifactsOptions {
  client: KubeClient;
  logger: Logger;
  monitor: WatchMonitor;
  /** The only namespace to watch; all when undefined. */
  namespace: string | undefined;
  /** Pins count for artifacts of the consumer's own namespace only. */
  noCrossNamespaceRefs: boolean;
}

/** Milliseconds between two looks whether a kind is served, and may be read. */
const lookMs = 60_000;
const retry = { minMs: 500, maxMs: 30_000 };
/** Asks for nothing that exists: a list is refused, or it is not. */
const nothing = { fieldSelector: 'metadata.name=-', metadataOnly: true };

/** The artifacts that consumers name in status.pinnedArtifacts, by watches of those kinds that are served. */
export class PinnedArtifacts implements ArtifactPins {
  readonly #o: PinnedArtifactsOptions;
  /** By kind; undefined for one of which there is nothing to see. */
  readonly #watches = new Map<string, Informer<Pinning> | undefined>();

  constructor(o: PinnedArtifactsOptions) {
    this.#o = o;
  }

  /** Watches until the signal aborts; never throws. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all(consumers.map((kind) => this.#start(kind, signal)));
    await whenAborted(signal);
    await Promise.all([...this.#watches.values()].map((informer) => informer?.stop()));
  }

  isCurrent(): boolean {
    const watches = [...this.#watches.values()];
    return (
      watches.length === consumers.length &&
      watches.every((informer) => informer === undefined || informer.behindMs() === 0)
    );
  }

  of(ownerPath: string): ReadonlySet<string> {
    const found = [...this.#watches.values()].flatMap(
      (informer) => informer?.byIndex(byOwner, ownerPath) ?? [],
    );
    return new Set(found.flatMap(({ status }) => status.pinnedArtifacts.map(({ path }) => path)));
  }

  /** Starts the watch of a kind, as soon as there is something to watch. */
  async #start(kind: ApiResource, signal: AbortSignal): Promise<void> {
    for (let attempt = 0; !signal.aborted; attempt++) {
      const delay = { attempt, ...retry };
      const isVisible = await this.#isVisible(kind, signal).catch(() => undefined);
      if (isVisible) {
        const informer = this.#informerOf(kind);
        this.#watches.set(kind.kind, informer);
        informer.start();
        return;
      }
      if (isVisible === false) this.#watches.set(kind.kind, undefined);
      const ms = isVisible === false ? lookMs : backoff(delay);
      await systemClock.sleep(ms, signal).catch(() => undefined);
    }
  }

  /** @throws Error when that cannot be told now */
  async #isVisible(kind: ApiResource, signal: AbortSignal): Promise<boolean> {
    const { client, logger, namespace } = this.#o;
    try {
      await client.list(await client.mapper.resourceFor(kind), { ...nothing, namespace, signal });
      return true;
    } catch (error) {
      if (!(error instanceof NoKindMatchError) && !isForbidden(error)) throw error;
      if (!this.#watches.has(kind.kind))
        logger.warn({ pinningKind: kind.kind, error }, 'What this kind pins is not kept');
      return false;
    }
  }

  #informerOf(kind: ApiResource): Informer<Pinning> {
    const { noCrossNamespaceRefs, client, logger, monitor, namespace } = this.#o;
    return createInformer<Pinning>({
      client,
      logger,
      monitor,
      namespace,
      resource: kind,
      optional: true,
      transform: (object) => pinningOf(object, noCrossNamespaceRefs),
      indexes: {
        [byOwner]: ({ status }) => [
          ...new Set(
            status.pinnedArtifacts.map(({ path }) => path.slice(0, path.lastIndexOf('/'))),
          ),
        ],
      },
    });
  }
}

/** Everything else of these objects, inventories above all, is not kept. */
function pinningOf(object: KubeObject, ownNamespaceOnly: boolean): Pinning {
  const { name, namespace, uid, resourceVersion } = object.metadata;
  const { pinnedArtifacts } = (object as { status?: { pinnedArtifacts?: unknown } }).status ?? {};
  const pins = Array.isArray(pinnedArtifacts) ? pinnedArtifacts.slice(0, maxPins) : [];
  const paths = pins
    .map((pin: { path?: unknown } | null) => pin?.path)
    .filter((path): path is string => typeof path === 'string')
    .filter((path) => !ownNamespaceOnly || path.split('/')[1] === namespace);
  return {
    apiVersion: object.apiVersion,
    kind: object.kind,
    metadata: { name, namespace, uid, resourceVersion },
    status: { pinnedArtifacts: paths.map((path) => ({ path })) },
  } as Pinning;
}
