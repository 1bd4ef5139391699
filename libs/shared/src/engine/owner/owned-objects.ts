import type { KubeObject } from '@sluice/shared/api';
import type { ApiResource, ObjectKey } from '@sluice/shared/kube';
import { formatObjectId, objectIdOf } from '../object/object-id.ts';
import { type ApplierIdentity, isOwnedBy } from './applier-identity.ts';
import type { LiveChange, LiveObjects } from './live-types.ts';

/** Says, by an object's formatted id, whether the inventory of an owner holds it. */
export type Holds = (id: string) => boolean;

/** How to make {@link OwnedObjects}. */
export interface OwnedObjectsOptions {
  live: LiveObjects;
  identity: ApplierIdentity;
  owner: ObjectKey;
  holds: Holds;
}

/**
 * What one owner may know of the objects in the shared watches, which see more than its account may read. This is the
 * only way to them.
 *
 * 1. An object is shown only if its labels name the owner and the owner's inventory holds it. Anything else has to be
 *    fetched as the owner's account.
 * 2. An object that the inventory holds and that now names somebody else looks deleted to a listener, and is not covered.
 */
export class OwnedObjects {
  readonly #options: OwnedObjectsOptions;

  constructor(options: OwnedObjectsOptions) {
    this.#options = options;
  }

  /** As {@link LiveObjects.ensure}. */
  ensure(resource: ApiResource): Promise<void> {
    return this.#options.live.ensure(resource);
  }

  /** Whether the objects of a resource are watched, so that changes of what the owner has will be noticed. */
  isSynced(resource: ApiResource): boolean {
    return this.#options.live.isSynced(resource);
  }

  /** Whether the watches may tell of an object: its state, or that it is gone. If not, it has to be fetched. */
  covers(resource: ApiResource, key: ObjectKey): boolean {
    if (!this.isSynced(resource) || !this.#options.holds(idIn(resource, key))) return false;
    const object = this.#options.live.get(resource, key);
    return object === undefined || this.shows(object);
  }

  /** Returns an object as the watches have it; undefined when it is gone or not to be shown. */
  get(resource: ApiResource, key: ObjectKey): KubeObject | undefined {
    const object = this.#options.live.get(resource, key);
    return object !== undefined && this.shows(object) ? object : undefined;
  }

  /** Whether an object is the owner's: its labels name the owner, whose inventory holds it. */
  shows(object: KubeObject): boolean {
    const { identity, owner, holds } = this.#options;
    return isOwnedBy(object, identity, owner) && holds(formatObjectId(objectIdOf(object)));
  }

  /** Calls the listener with the changes of the owner's objects; returns how to end that. */
  onChange(listener: (change: LiveChange) => void): () => void {
    const { live, holds } = this.#options;
    return live.onChange((change) => {
      if (this.shows(change.object)) listener(change);
      else if (holds(formatObjectId(objectIdOf(change.object)))) listener(asLost(change));
    });
  }
}

function idIn({ group, kind, namespaced }: ApiResource, { namespace, name }: ObjectKey): string {
  return formatObjectId({ group, kind, name, namespace: (namespaced && namespace) || '' });
}

/** Returns what the former owner of an object hears of it: which one, and that it is not the owner's any more. */
export function asLost({ resource, object }: LiveChange): LiveChange {
  const { apiVersion, kind, metadata } = object;
  const { name, namespace, uid, resourceVersion } = metadata;
  const known = { apiVersion, kind, metadata: { name, namespace, uid, resourceVersion } };
  return { type: 'deleted', resource, object: known };
}
