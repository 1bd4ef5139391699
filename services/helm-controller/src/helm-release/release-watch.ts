import type { KubeObject } from '@sluice/shared/api';
import type { Logger } from '@sluice/shared/base';
import {
  coreResources,
  createInformer,
  type KubeClient,
  type ObjectKey,
  type WatchMonitor,
} from '@sluice/shared/kube';

/** The newest record of a release. */
export interface NewestRecord {
  version: number;
  resourceVersion: string;
}

/** A record that was written or deleted. */
export interface RecordChange extends NewestRecord {
  namespace: string;
  /** Name of the release. */
  name: string;
  /** Tells a record from an earlier one of the same version. */
  uid: string | undefined;
  isDeleted: boolean;
}

/** Knows the newest record of each release in our own cluster, so that an unchanged one causes no request. */
export interface ReleaseWatch {
  start(): void;
  stop(): Promise<void>;
  /** Returns the newest record; undefined when there is none, or the records are not known. */
  newest(key: ObjectKey): NewestRecord | undefined;
  /** Whether there is certainly no record of a release. */
  isAbsent(key: ObjectKey): boolean;
  /** Calls the listener for each record that was written or deleted. */
  onChange(listener: (change: RecordChange) => void): void;
}

/** How to create a {@link ReleaseWatch}. */
export interface ReleaseWatchOptions {
  client: KubeClient;
  logger: Logger;
  /** The only namespace to watch; all unless told. */
  namespace?: string;
  monitor?: WatchMonitor;
}

function recordOf({ metadata }: KubeObject): NewestRecord {
  return {
    version: Number(metadata.labels?.['version'] ?? 0),
    resourceVersion: metadata.resourceVersion ?? '',
  };
}

function releaseOf({ metadata }: KubeObject): string {
  return `${metadata.namespace}/${metadata.labels?.['name']}`;
}

/** Creates the watch of the metadata of the Secrets in which Helm keeps releases; their content is never read. */
export function createReleaseWatch(o: ReleaseWatchOptions): ReleaseWatch {
  const informer = createInformer<KubeObject>({
    ...o,
    resource: coreResources.secrets,
    labelSelector: 'owner=helm',
    metadataOnly: true,
    indexes: { release: (secret: KubeObject) => [releaseOf(secret)] },
  });
  const newest = ({ namespace, name }: ObjectKey): NewestRecord | undefined => {
    const records = informer.byIndex('release', `${namespace}/${name}`).map(recordOf);
    return records.sort((a, b) => b.version - a.version)[0];
  };
  return {
    newest,
    start: () => informer.start(),
    stop: () => informer.stop(),
    isAbsent: (key) => informer.hasSynced && newest(key) === undefined,
    onChange(listener) {
      informer.onEvent(({ type, object }) => {
        const { namespace = '', labels, uid } = object.metadata;
        const name = labels?.['name'];
        if (name === undefined) return;
        listener({ ...recordOf(object), namespace, name, uid, isDeleted: type === 'deleted' });
      });
    },
  };
}
