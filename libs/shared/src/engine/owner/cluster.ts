import type { KubeObject } from '@sluice/shared/api';
import { type KubeClient, keyOf, type ObjectKey } from '@sluice/shared/kube';
import { formatObjectId, objectIdOf } from '../object/object-id.ts';
import { AppliedState } from './applied-state.ts';
import { type ApplierIdentity, namedOwner } from './applier-identity.ts';
import type { AwaitedKinds } from './awaited-kinds.ts';
import type { LiveChange, LiveObjects } from './live-types.ts';
import type { NamedWatches } from './named-watches.ts';
import { OwnWatches } from './own-watches.ts';
import { asLost, OwnedObjects } from './owned-objects.ts';
import type { TenantWatches } from './tenant-watches.ts';

/** Says whether the inventory of an owner, by its key, holds an object, by its formatted id. */
export type Inventories = (owner: string, id: string) => boolean;

/** How to make a {@link Cluster}. */
export interface ClusterOptions {
  live: LiveObjects;
  /** Watches as the accounts of owners; none unless told. */
  tenants?: TenantWatches;
  identity: ApplierIdentity;
  inventories: Inventories;
  /** Tells when kinds are served that were not. */
  kinds: AwaitedKinds;
  /** Watches of what others have made. */
  named: NamedWatches;
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
  readonly named: NamedWatches;
  readonly #options: ClusterOptions;

  constructor(options: ClusterOptions) {
    this.#options = options;
    this.kinds = options.kinds;
    this.named = options.named;
    this.applied = new AppliedState(options.identity);
  }

  /**
   * Returns what an owner may know of its objects.
   *
   * @param client acts as the owner's account
   */
  liveOf(owner: ObjectKey, client: KubeClient): OwnedObjects {
    const { live, tenants: watches, identity, inventories } = this.#options;
    const key = keyOf(owner);
    watches?.keepIdentity(key, client);
    const own = watches && new OwnWatches({ watches, owner: key, client });
    return new OwnedObjects({ live, own, identity, owner, holds: (id) => inventories(key, id) });
  }

  /** Forgets what was applied for an owner, what it waits for and what is watched for it alone. */
  forget(owner: string): void {
    this.applied.forget(owner);
    this.kinds.waitFor(owner, []);
    this.release(owner);
  }

  /** Ends what is watched for an owner alone. */
  release(owner: string): void {
    this.#options.tenants?.release(owner);
    this.named.watch(owner, []);
  }

  /**
   * Calls the listener with each change of an object for the owner that may know it, and, as a deletion, for the one that
   * had applied it and is not named by it any more.
   */
  onChange(listener: ChangeListener): void {
    const { live, tenants } = this.#options;
    const tell = (change: LiveChange, hears = (_owner: string) => true) => {
      const owner = this.#ownerOf(change.object);
      if (owner !== undefined && hears(owner)) listener(owner, change, this);
      const applier = this.applied.ownerOf(objectIdOf(change.object));
      if (applier !== undefined && applier !== owner && hears(applier))
        listener(applier, asLost(change), this);
    };
    live.onChange((change) => tell(change));
    tenants?.onChange(({ change, owners }) => tell(change, (owner) => owners.has(owner)));
  }

  /** Ends all watches. */
  async stop(): Promise<void> {
    const { live, tenants } = this.#options;
    await Promise.all([live.stop(), tenants?.stop(), this.kinds.stop(), this.named.stop()]);
  }

  #ownerOf(object: KubeObject): string | undefined {
    const owner = namedOwner(object, this.#options.identity);
    if (owner === undefined) return undefined;
    const id = formatObjectId(objectIdOf(object));
    return this.#options.inventories(owner, id) ? owner : undefined;
  }
}
