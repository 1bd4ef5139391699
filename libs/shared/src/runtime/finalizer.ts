import type { KindDefinition, KubeObject } from '@sluice/shared/api';
import { isConflict, isNotFound, type KubeClient, resourceOf } from '@sluice/shared/kube';

/** How often a finalizer write is tried while others change the object. */
const maxTries = 5;

/** Says whether an object is held by a finalizer. */
export function hasFinalizer(object: KubeObject, finalizer: string): boolean {
  return object.metadata.finalizers?.includes(finalizer) ?? false;
}

interface FinalizerOptions<T extends KubeObject> {
  client: KubeClient;
  kind: KindDefinition<T>;
  object: T;
  finalizer: string;
  controllerName: string;
}

/**
 * Puts a finalizer on an object, once, without losing those that others put there meanwhile.
 *
 * @returns the object with the finalizer, or as it is without it when it is being deleted; undefined when it is gone
 * @throws ApiError when the API server refuses it or others kept changing the object during five tries
 */
export function addFinalizer<T extends KubeObject>(
  options: FinalizerOptions<T>,
): Promise<T | undefined> {
  return changeFinalizers(options, (object) => {
    // The API server refuses new finalizers on an object being deleted.
    if (object.metadata.deletionTimestamp) return undefined;
    if (hasFinalizer(object, options.finalizer)) return undefined;
    return [...(object.metadata.finalizers ?? []), options.finalizer];
  });
}

/**
 * Takes a finalizer off an object; others stay.
 *
 * @returns the object as it was written; undefined when it is gone
 * @throws ApiError when the API server refuses it or others kept changing the object during five tries
 */
export function removeFinalizer<T extends KubeObject>(
  options: FinalizerOptions<T>,
): Promise<T | undefined> {
  return changeFinalizers(options, (object) => {
    if (!hasFinalizer(object, options.finalizer)) return undefined;
    return object.metadata.finalizers?.filter((f) => f !== options.finalizer);
  });
}

async function changeFinalizers<T extends KubeObject>(
  options: FinalizerOptions<T>,
  change: (object: T) => string[] | undefined,
): Promise<T | undefined> {
  const { client, controllerName } = options;
  const resource = resourceOf(options.kind as KindDefinition);
  let object = options.object;
  for (let tries = 1; ; tries += 1) {
    const finalizers = change(object);
    if (!finalizers) return object;
    const { resourceVersion, uid } = object.metadata;
    try {
      const { metadata } = await client.patch<T>(
        resource,
        object.metadata,
        { metadata: { finalizers, resourceVersion, uid } },
        { type: 'merge', fieldManager: `gotk-${controllerName}`, metadataOnly: true },
      );
      // Nobody has changed the rest since, or this would have been a conflict.
      return { ...object, metadata };
    } catch (error) {
      if (isNotFound(error)) return undefined;
      if (!isConflict(error) || tries >= maxTries) throw error;
    }
    try {
      object = await client.get<T>(resource, object.metadata);
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
    if (object.metadata.uid !== options.object.metadata.uid) return undefined;
  }
}
