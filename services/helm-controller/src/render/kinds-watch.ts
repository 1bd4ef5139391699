import type { KubeObject } from '@sluice/shared/api';
import type { Logger } from '@sluice/shared/base';
import { type ApiResource, createInformer, type KubeClient } from '@sluice/shared/kube';

/** What adds kinds to a cluster, and takes them away. */
const sources: ApiResource[] = [
  {
    group: 'apiextensions.k8s.io',
    version: 'v1',
    kind: 'CustomResourceDefinition',
    plural: 'customresourcedefinitions',
    namespaced: false,
  },
  {
    group: 'apiregistration.k8s.io',
    version: 'v1',
    kind: 'APIService',
    plural: 'apiservices',
    namespaced: false,
  },
];

/** A watch of what a cluster serves. */
export interface KindsWatch {
  start(): void;
  stop(): Promise<void>;
}

/**
 * Creates a watch of the definitions and API services of a cluster; their content is never read.
 *
 * @param o.onChange called after each change, those at the start included
 */
export function createKindsWatch(o: {
  client: KubeClient;
  logger: Logger;
  onChange(): void;
}): KindsWatch {
  const { client, logger } = o;
  const informers = sources.map((resource) =>
    createInformer<KubeObject>({ client, logger, resource, metadataOnly: true }),
  );
  for (const informer of informers) informer.onEvent(() => o.onChange());
  return {
    start() {
      for (const informer of informers) informer.start();
    },
    async stop() {
      await Promise.all(informers.map((informer) => informer.stop()));
    },
  };
}
