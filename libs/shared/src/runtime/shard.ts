import { sha256Hex } from '@sluice/shared/base';

/**
 * Returns the options that restrict an informer to the objects of this shard.
 *
 * @param watchLabelSelector value of `--watch-label-selector`; empty for all objects
 * @param namespace value of the service's own namespace, watched alone unless `watchAllNamespaces`
 */
export function shardSelector(options: {
  watchLabelSelector: string;
  watchAllNamespaces?: boolean;
  namespace?: string;
}): { labelSelector?: string; namespace?: string } {
  const { watchLabelSelector, watchAllNamespaces = true, namespace } = options;
  if (!watchAllNamespaces && !namespace) {
    throw new RangeError(
      '--watch-all-namespaces=false needs the namespace to watch in the environment variable RUNTIME_NAMESPACE',
    );
  }
  return {
    ...(watchLabelSelector !== '' && { labelSelector: watchLabelSelector }),
    ...(!watchAllNamespaces && { namespace }),
  };
}

/**
 * Returns the name of the Lease by which the replicas of one shard elect their leader, as in Flux:
 * each label selector has its own.
 */
export function leaseName(controllerName: string, watchLabelSelector = ''): string {
  const name = `${controllerName}-leader-election`;
  return watchLabelSelector === '' ? name : `${name}-${sha256Hex(watchLabelSelector).slice(0, 8)}`;
}
