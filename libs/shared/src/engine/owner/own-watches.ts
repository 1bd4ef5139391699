import type { KubeObject } from '@sluice/shared/api';
import type { ApiResource, KubeClient, ObjectKey } from '@sluice/shared/kube';
import type { ObjectId } from '../object/object-id.ts';
import type { LiveChange } from './live-types.ts';
import type { TenantScope, TenantWatches } from './tenant-watches.ts';

/** How to make {@link OwnWatches}. */
export interface OwnWatchesOptions {
  watches: TenantWatches;
  /** Key of the owner. */
  owner: string;
  /** Acts as the owner's account. */
  client: KubeClient;
}

/** What one owner sees with its own account, where nobody watches for it. */
export class OwnWatches {
  readonly #options: OwnWatchesOptions;

  constructor(options: OwnWatchesOptions) {
    this.#options = options;
  }

  /** As {@link TenantWatches.ensure}, in the namespace of an object. */
  async ensure(resource: ApiResource, namespace: string | undefined, refusal: unknown) {
    const { watches, owner } = this.#options;
    // Of an object whose namespace is not known, nobody can tell where to look.
    if (resource.namespaced && !namespace) throw refusal;
    await watches.ensure(owner, this.#scope(resource, namespace), refusal);
  }

  /** Whether the objects of a resource in a namespace are known. */
  isSynced(resource: ApiResource, namespace: string | undefined): boolean {
    return this.#seen(resource, namespace) !== undefined;
  }

  /** As {@link TenantWatches.isWhole}. */
  isWhole(resource: ApiResource, namespace: string | undefined): boolean {
    const { watches, owner } = this.#options;
    return watches.isWhole(owner, this.#scope(resource, namespace));
  }

  /** Returns an object; undefined when there is none with the label, or nothing is known. */
  get(resource: ApiResource, key: ObjectKey): KubeObject | undefined {
    return this.#seen(resource, key.namespace)?.get(resource, key);
  }

  /** As {@link TenantWatches.keepOnly}. */
  keepOnly(ids: Iterable<ObjectId>): void {
    const { watches, owner } = this.#options;
    watches.keepOnly(owner, ids);
  }

  /** Ends the watches of a resource, which somebody watches for the owner now. */
  release(resource: ApiResource): void {
    const { watches, owner } = this.#options;
    watches.release(owner, resource);
  }

  /** Calls the listener with each change that the owner sees; returns how to end that. */
  onChange(listener: (change: LiveChange) => void): () => void {
    const { watches, owner } = this.#options;
    return watches.onChange(({ change, owners }) => {
      if (owners.has(owner)) listener(change);
    });
  }

  /** Calls the listener when one of the owner's watches is refused; returns how to end that. */
  onLost(listener: () => void): () => void {
    const { watches, owner } = this.#options;
    return watches.onLost((owners) => {
      if (owners.has(owner)) listener();
    });
  }

  #seen(resource: ApiResource, namespace: string | undefined) {
    const { watches, owner } = this.#options;
    return watches.seen(owner, this.#scope(resource, namespace));
  }

  #scope(resource: ApiResource, namespace: string | undefined): TenantScope {
    const { client } = this.#options;
    return {
      client,
      resource,
      namespace: resource.namespaced ? namespace || undefined : undefined,
    };
  }
}
