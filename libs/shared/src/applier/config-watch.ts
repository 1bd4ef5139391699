import type { KubeObject } from '@sluice/shared/api';
import type { Logger } from '@sluice/shared/base';
import {
  type ApiResource,
  coreResources,
  createInformer,
  type Informer,
  type KubeClient,
  type WatchMonitor,
} from '@sluice/shared/kube';

/** Watches of the Secrets and ConfigMaps that ask for it by a label. */
export interface ConfigWatch {
  start(): void;
  stop(): Promise<void>;
  /** Calls the listener with `Secret/<namespace>/<name>`, or the same of a ConfigMap, for each that changed. */
  onChange(listener: (id: string) => void): void;
}

/** How to create a {@link ConfigWatch}. */
export interface ConfigWatchOptions {
  client: KubeClient;
  logger: Logger;
  /** `--watch-configs-label-selector`. */
  labelSelector: string;
  /** The only namespace to watch; all unless told. */
  namespace?: string;
  monitor?: WatchMonitor;
}

/** Creates the watches of Secrets and ConfigMaps; they never see the content. */
export function createConfigWatch(o: ConfigWatchOptions): ConfigWatch {
  const informerOf = (resource: ApiResource): Informer<KubeObject> =>
    createInformer<KubeObject>({ ...o, resource, metadataOnly: true, optional: true });
  const watches = [
    { kind: 'Secret', informer: informerOf(coreResources.secrets) },
    { kind: 'ConfigMap', informer: informerOf(coreResources.configMaps) },
  ];
  return {
    start() {
      for (const { informer } of watches) informer.start();
    },
    async stop() {
      await Promise.all(watches.map(({ informer }) => informer.stop()));
    },
    onChange(listener) {
      for (const { kind, informer } of watches) {
        informer.onEvent((event) => {
          const { namespace, name, resourceVersion } = event.object.metadata;
          if (event.previous?.metadata.resourceVersion === resourceVersion) return;
          listener(`${kind}/${namespace}/${name}`);
        });
      }
    },
  };
}
