import type { KubeObject } from '@sluice/shared/api';
import { keyOf, type ObjectKey } from '@sluice/shared/kube';
import { formatObjectId, objectIdOf } from '../object/object-id.ts';
import { AppliedState } from './applied-state.ts';
import { type ApplierIdentity, namedOwner } from './applier-identity.ts';
import type { AwaitedKinds } from './awaited-kinds.ts';
import type { LiveChange, LiveObjects } from './live-types.ts';
import { asLost, OwnedObjects } from './owned-objects.ts';

/** Says whether the inventory of an owner, by its key, holds an object, by its formatted id. */
export type Inventories = (owner: string, id: string) => boolean;

/** How to make a {@link Cluster}. */
export interface ClusterOptions {
  live: LiveObjects;
  identity: ApplierIdentity;
  inventories: Inventories;
  /** Tells when kinds are served that were not. */
  kinds: AwaitedKinds;
}

/** Called with each change of an object for each owner whom it concerns. */
export type ChangeListener = (owner: string, change: LiveChange, cluster: Cluster) => void;

/**
 * A cluster that objects are applied to, what was applied, and what is known of the objects there, as far as each owner
 * may know it.
 */
export class Cluster {
  readonly applied: AppliedState;
  readonly kinds: AwaitedKinds;
  readonly #options: ClusterOptions;

  constructor(options: ClusterOptions) {
    this.#options = options;
    this.kinds = options.kinds;
    this.applied = new AppliedState(options.identity);
  }

  /** Returns what an owner may know of its objects. */
  liveOf(owner: ObjectKey): OwnedObjects {
    const { live, identity, inventories } = this.#options;
    const key = keyOf(owner);
    return new OwnedObjects({ live, identity, owner, holds: (id) => inventories(key, id) });
  }

  /**
   * Calls the listener with each change of an object for the owner that may know it, and, as a deletion, for the one that
   * had applied it and is not named by it any more.
   */
  onChange(listener: ChangeListener): void {
    this.#options.live.onChange((change) => {
      const owner = this.#ownerOf(change.object);
      if (owner !== undefined) listener(owner, change, this);
      const applier = this.applied.ownerOf(objectIdOf(change.object));
      if (applier !== undefined && applier !== owner) listener(applier, asLost(change), this);
    });
  }

  /** Ends all watches. */
  async stop(): Promise<void> {
    await Promise.all([this.#options.live.stop(), this.kinds.stop()]);
  }

  #ownerOf(object: KubeObject): string | undefined {
    const owner = namedOwner(object, this.#options.identity);
    if (owner === undefined) return undefined;
    const id = formatObjectId(objectIdOf(object));
    return this.#options.inventories(owner, id) ? owner : undefined;
  }
}
