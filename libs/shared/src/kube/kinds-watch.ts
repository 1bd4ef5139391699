import type { KubeObject } from '@sluice/shared/api';
import type { Logger } from '@sluice/shared/base';
import { createInformer } from './informer.ts';
import type { InformerHealth } from './informer-types.ts';
import { type ApiResource, coreResources } from './resource.ts';
import type { KubeClient } from './types.ts';

const apiServices: ApiResource = {
  group: 'apiregistration.k8s.io',
  version: 'v1',
  kind: 'APIService',
  plural: 'apiservices',
  namespaced: false,
};

/** What adds kinds to a cluster, and takes them away. */
const sources = [coreResources.customResourceDefinitions, apiServices];

/** A watch of what a cluster serves. */
export interface KindsWatch {
  start(): void;
  stop(): Promise<void>;
}

/**
 * Creates a watch of the definitions and API services of a cluster, of which only the metadata is read.
 *
 * @param o.onChange called after each change, those at the start included
 * @param o.onFailure called when a list or watch fails, after which it is tried again
 */
export function createKindsWatch(o: {
  client: KubeClient;
  logger: Logger;
  onChange(object: KubeObject, resource: ApiResource): void;
  onFailure?(error: unknown): void;
}): KindsWatch {
  const { client, logger } = o;
  const onHealth = (health: InformerHealth) => {
    if (health.type === 'failed') o.onFailure?.(health.error);
  };
  const informers = sources.map((resource) =>
    createInformer<KubeObject>({
      client,
      logger,
      resource,
      metadataOnly: true,
      optional: true,
      onHealth,
    }),
  );
  for (const informer of informers)
    informer.onEvent(({ object }) => o.onChange(object, informer.resource));
  return {
    start() {
      for (const informer of informers) informer.start();
    },
    async stop() {
      await Promise.all(informers.map((informer) => informer.stop()));
    },
  };
}
