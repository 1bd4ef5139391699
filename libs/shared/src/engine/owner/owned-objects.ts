import type { KubeObject } from '@sluice/shared/api';
import { type ApiResource, isForbidden, type ObjectKey } from '@sluice/shared/kube';
import { formatObjectId, type ObjectId, objectIdOf } from '../object/object-id.ts';
import { type ApplierIdentity, isOwnedBy } from './applier-identity.ts';
import type { LiveChange, LiveObjects } from './live-types.ts';
import type { OwnWatches } from './own-watches.ts';

/** Says, by an object's formatted id, whether the inventory of an owner holds it. */
export type Holds = (id: string) => boolean;

/** How to make {@link OwnedObjects}. */
export interface OwnedObjectsOptions {
  live: LiveObjects;
  /** What the owner watches as its own account; nothing unless told. */
  own?: OwnWatches | undefined;
  identity: ApplierIdentity;
  owner: ObjectKey;
  holds: Holds;
}

/**
 * What one owner may know of the objects in the shared watches, which see more than its account may read, and in those
 * as its own account, where the shared ones may not watch. This is the only way to them.
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

  /**
   * As {@link LiveObjects.ensure}. A resource that the shared watches may not show is watched as the owner's account.
   *
   * @param namespace where the owner has objects of it
   */
  async ensure(resource: ApiResource, namespace?: string): Promise<void> {
    const { live, own } = this.#options;
    try {
      await live.ensure(resource);
    } catch (error) {
      if (own === undefined || !isForbidden(error)) throw error;
      return own.ensure(resource, namespace, error);
    }
    own?.release(resource);
  }

  /** Whether objects of a resource in a namespace are watched, so that changes of what the owner has will be noticed. */
  isSynced(resource: ApiResource, namespace?: string): boolean {
    const { live, own } = this.#options;
    return live.isSynced(resource) || (own?.isSynced(resource, namespace) ?? false);
  }

  /** Whether also no change has been missed since the owner last asked for the resource by {@link ensure}. */
  isWhole(resource: ApiResource, namespace?: string): boolean {
    const { live, own } = this.#options;
    return live.isSynced(resource) || (own?.isWhole(resource, namespace) ?? false);
  }

  /** Whether the watches may tell of an object: its state, or that it is gone. If not, it has to be fetched. */
  covers(resource: ApiResource, key: ObjectKey): boolean {
    const isWatched = this.isSynced(resource, key.namespace);
    if (!isWatched || !this.#options.holds(idIn(resource, key))) return false;
    const object = this.#find(resource, key);
    return object === undefined || this.shows(object);
  }

  /** Returns an object as the watches have it; undefined when it is gone or not to be shown. */
  get(resource: ApiResource, key: ObjectKey): KubeObject | undefined {
    const object = this.#find(resource, key);
    return object !== undefined && this.shows(object) ? object : undefined;
  }

  /** Whether an object is the owner's: its labels name the owner, whose inventory holds it. */
  shows(object: KubeObject): boolean {
    const { identity, owner, holds } = this.#options;
    return isOwnedBy(object, identity, owner) && holds(formatObjectId(objectIdOf(object)));
  }

  /** Calls the listener with the changes of the owner's objects; returns how to end that. */
  onChange(listener: (change: LiveChange) => void): () => void {
    const { live, own, holds } = this.#options;
    const tell = (change: LiveChange) => {
      if (this.shows(change.object)) listener(change);
      else if (holds(formatObjectId(objectIdOf(change.object)))) listener(asLost(change));
    };
    const ends = [live.onChange(tell), own?.onChange(tell)];
    return () => {
      for (const end of ends) end?.();
    };
  }

  /** Calls the listener when a watch ends because it is refused, so that what it covered has to be fetched. */
  onLost(listener: () => void): () => void {
    return this.#options.own?.onLost(listener) ?? (() => {});
  }

  /** Ends the watches as the owner's account that none of its objects needs, which are the given ones. */
  keepOnly(ids: Iterable<ObjectId>): void {
    this.#options.own?.keepOnly(ids);
  }

  #find(resource: ApiResource, key: ObjectKey): KubeObject | undefined {
    const { live, own } = this.#options;
    return live.isSynced(resource) ? live.get(resource, key) : own?.get(resource, key);
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
