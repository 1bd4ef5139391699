import type { KubeObject } from '@sluice/shared/api';
import { coreResources, createInformer, type KubeClient } from '@sluice/shared/kube';

/** What some ConfigMaps have held, and which of them have been deleted. */
export interface SeenValues {
  /** Everything that their key `v` has held so far, in order. */
  readonly values: readonly string[];
  /** Those that were deleted, as often as they were. */
  readonly gone: readonly string[];
  /** How often a ConfigMap was made. */
  madeTimes(one: string): number;
  stop(): Promise<void>;
}

/**
 * Sees every state of ConfigMaps, for a watch leaves none out.
 *
 * @param o.names by which what is seen is told; the ConfigMaps are `<prefix>-<name>`
 */
export async function seeValues(o: {
  client: KubeClient;
  namespace: string;
  prefix: string;
  names: readonly string[];
}): Promise<SeenValues> {
  const { client, namespace, prefix, names } = o;
  const values: string[] = [];
  const gone: string[] = [];
  const made = new Map<string, Set<string>>();
  const informer = createInformer<KubeObject & { data?: Record<string, string> }>({
    client,
    resource: coreResources.configMaps,
    namespace,
  });
  informer.onEvent(({ type, object: { metadata, data } }) => {
    const one = names.find((each) => metadata.name === `${prefix}-${each}`);
    if (one === undefined) return;
    const uids = made.get(one) ?? new Set();
    made.set(one, uids.add(metadata.uid ?? ''));
    if (type === 'deleted') gone.push(one);
    else values.push(data?.['v'] ?? '');
  });
  informer.start();
  await informer.synced();
  return {
    values,
    gone,
    madeTimes: (one) => made.get(one)?.size ?? 0,
    stop: () => informer.stop(),
  };
}
