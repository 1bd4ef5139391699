import {
  type Artifact,
  bucketKind,
  externalArtifactKind,
  gitRepositoryKind,
  helmChartKind,
  type KindDefinition,
  type KubeObject,
  ociRepositoryKind,
} from '@sluice/shared/api';
import { errorMessage, Listeners, type Logger } from '@sluice/shared/base';
import {
  createInformer,
  type Informer,
  type InformerEvent,
  isNotFound,
  type KubeClient,
  NoKindMatchError,
  type ObjectKey,
  resourceOf,
  type WatchMonitor,
} from '@sluice/shared/kube';
import { failureOfSource } from './source-readiness.ts';

/** A kind whose objects publish artifacts. */
export type SourceKind =
  | 'GitRepository'
  | 'OCIRepository'
  | 'Bucket'
  | 'ExternalArtifact'
  | 'HelmChart';

/** A source, as far as we read it. */
export interface SourceObject extends KubeObject {
  status?: { observedGeneration?: number; artifact?: Artifact };
}

const kinds: Record<SourceKind, KindDefinition> = {
  GitRepository: gitRepositoryKind as KindDefinition,
  OCIRepository: ociRepositoryKind as KindDefinition,
  Bucket: bucketKind as KindDefinition,
  ExternalArtifact: externalArtifactKind as KindDefinition,
  HelmChart: helmChartKind as KindDefinition,
};

/** Names a source, as `GitRepository/namespace/name`. */
export function sourceId(kind: string, key: ObjectKey): string {
  return `${kind}/${key.namespace}/${key.name}`;
}

/** The sources, kept by watches. */
export interface Sources {
  start(signal: AbortSignal): Promise<void>;
  stop(): Promise<void>;
  /** Returns a source; asks the API server when the watch does not know it. Undefined when there is none. */
  get(kind: SourceKind, key: ObjectKey): Promise<SourceObject | undefined>;
  /** Returns a source if the watch knows it. */
  peek(kind: SourceKind, key: ObjectKey): SourceObject | undefined;
  /**
   * Calls the listener with the id of each source whose artifact is new, or of another generation of its spec, or that
   * has none and says another reason.
   */
  onArtifact(listener: (id: string, artifact: Artifact | undefined) => void): void;
}

/**
 * Whether an artifact is new, or is now known to be of the present spec of its source; or another reason is given for
 * that there is none.
 */
function artifactChanged({ type, object, previous }: InformerEvent<SourceObject>): boolean {
  const { artifact, observedGeneration } = object.status ?? {};
  const before = previous?.status;
  const isLacking = artifact === undefined || observedGeneration !== object.metadata.generation;
  const failure = isLacking ? failureOfSource(object) : undefined;
  return (
    type !== 'modified' ||
    artifact?.digest !== before?.artifact?.digest ||
    artifact?.revision !== before?.artifact?.revision ||
    observedGeneration !== before?.observedGeneration ||
    (failure !== undefined && failure !== (previous && failureOfSource(previous)))
  );
}

/** Creates the watches of kinds of sources; a kind that the cluster does not have is left out. */
export function createSources(o: {
  client: KubeClient;
  logger: Logger;
  kinds: readonly SourceKind[];
  /** The only namespace to watch; all unless told. */
  namespace?: string;
  monitor?: WatchMonitor;
}): Sources {
  const { client, logger, namespace, monitor } = o;
  const informers = new Map<string, Informer<SourceObject>>();
  const listeners = new Listeners<{ id: string; artifact: Artifact | undefined }>((error, { id }) =>
    logger.error({ error: errorMessage(error), source: id }, 'Listener to sources failed'),
  );
  const watch = async (kind: KindDefinition) => {
    try {
      await client.mapper.resourceFor(kind);
    } catch (error) {
      if (!(error instanceof NoKindMatchError)) throw error;
      logger.warn({ sourceKind: kind.kind }, 'Kind of source is not installed and not watched');
      return;
    }
    const resource = resourceOf(kind);
    const informer = createInformer<SourceObject>({ client, resource, logger, namespace, monitor });
    informer.onEvent((event) => {
      if (!artifactChanged(event)) return;
      const id = sourceId(kind.kind, event.object.metadata);
      listeners.emit({ id, artifact: event.object.status?.artifact });
    });
    informers.set(kind.kind, informer);
    informer.start();
  };
  const peek = (kind: SourceKind, key: ObjectKey) =>
    informers.get(kind)?.get(`${key.namespace}/${key.name}`);
  return {
    async start(signal) {
      await Promise.all(o.kinds.map((kind) => watch(kinds[kind])));
      await Promise.all([...informers.values()].map((informer) => informer.synced(signal)));
    },
    async stop() {
      await Promise.all([...informers.values()].map((informer) => informer.stop()));
    },
    peek,
    async get(kind, key) {
      const known = peek(kind, key);
      if (known !== undefined) return known;
      try {
        return await client.get<SourceObject>(resourceOf(kinds[kind]), key);
      } catch (error) {
        // It may have come meanwhile, and its listeners may have been called.
        if (isNotFound(error)) return peek(kind, key);
        throw error;
      }
    },
    onArtifact: (listener) => void listeners.add(({ id, artifact }) => listener(id, artifact)),
  };
}
