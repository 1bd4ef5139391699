import type { KubeObject } from '@sluice/shared/api';

/** Returns what a watch keeps of an object: its metadata is cut, for others may write as much as they like into it. */
export function withBareMetadata<T extends KubeObject>(object: T): T {
  const { name, namespace, uid, resourceVersion, generation, creationTimestamp } = object.metadata;
  const metadata = { name, namespace, uid, resourceVersion, generation, creationTimestamp };
  return { ...object, metadata };
}
