import type { KubeObject } from '@sluice/shared/api';
import { errorMessage, StalledError } from '@sluice/shared/base';
import { AwaitedKinds, displayName } from '@sluice/shared/engine';
import {
  type ApiResource,
  type GroupVersionKind,
  isForbidden,
  isInvalid,
  isKindMissing,
  isNotFound,
  type KubeClient,
  keyOf,
  NoKindMatchError,
  type ObjectKey,
} from '@sluice/shared/kube';
import { invalidSpecReason } from '@sluice/shared/runtime';
import { AwaitedObjects, type AwaitedObjectsOptions } from './awaited-objects.ts';
import type { Dependant, ObjectReference } from './dependency-reference.ts';

/** How to make {@link DependencyObjects}. */
export interface DependencyObjectsOptions extends AwaitedObjectsOptions {
  /** Returns the client that acts as a dependant's account in the cluster we run in. */
  clientOf(dependant: Dependant, signal?: AbortSignal): Promise<KubeClient>;
}

/** How to look at an object. */
export interface LookOptions {
  /** Where the reference stands, for messages. */
  field: string;
  /** Whether its metadata are enough. */
  metadataOnly: boolean;
  signal?: AbortSignal;
}

/** What was found of an object. */
export interface FoundObject {
  /** Names it for people. */
  shown: string;
  object?: KubeObject;
  /** Why there is none, which its dependant waits to change. */
  why?: string;
  /** When to look again at the latest, in milliseconds. */
  retryAfterMs?: number;
}

/** What the server says to serve is found a little later, in milliseconds. */
const justServedMs = 2_000;

/**
 * Looks at objects of any kind for those who depend on them: always as the dependant's account, so that nothing is told
 * that it could not read. Watches only say when to look again.
 */
export class DependencyObjects {
  readonly #options: DependencyObjectsOptions;
  readonly #awaited: AwaitedObjects;
  readonly #kinds: AwaitedKinds;

  constructor(options: DependencyObjectsOptions) {
    const { client, logger, onChange } = options;
    this.#options = options;
    this.#awaited = new AwaitedObjects(options);
    this.#kinds = new AwaitedKinds({ client, logger, onServed: onChange });
  }

  /**
   * Looks at an object. Until the dependant settles, it is woken by the next change of what it has found missing; with
   * {@link wait} also of what it has found.
   *
   * @throws StalledError InvalidSpec when there can be no such object
   * @throws ApiError, ConnectionError when the API server cannot be asked
   */
  async look(
    dependant: Dependant,
    reference: ObjectReference,
    o: LookOptions,
  ): Promise<FoundObject> {
    const waiter = keyOf(dependant);
    const { kind } = reference.gvk;
    try {
      const resource = await this.#resourceOf(waiter, reference);
      const { name, namespace } = reference.key;
      const key = resource.namespaced ? { name, namespace } : { name };
      const shown = displayName({ group: '', kind, name, namespace: key.namespace ?? '' });
      const client = await this.#options.clientOf(dependant, o.signal);
      this.#awaited.expect(waiter, { resource, key, own: client });
      return { shown, ...(await this.#read({ waiter, client, resource, key }, o)) };
    } catch (error) {
      if (!(error instanceof NoKindMatchError)) throw error;
      const { name, namespace = '' } = reference.key;
      const shown = displayName({ group: '', kind, name, namespace });
      return { shown, why: whyNoKind(error, o.field) };
    }
  }

  /** Says that a dependant waits for a change of the object it has just found. */
  wait(dependant: Dependant, { metadata }: KubeObject): void {
    this.#awaited.begin(keyOf(dependant), metadata.resourceVersion);
  }

  /** Says that a dependant waits for nothing any more. */
  settle(dependant: string): void {
    this.#awaited.settle(dependant);
    this.#kinds.waitFor(dependant, []);
  }

  /** Ends all watches. */
  async stop(): Promise<void> {
    await Promise.all([this.#awaited.stop(), this.#kinds.stop()]);
  }

  /** Finds the resource of a kind; one that is not served is waited for from before it is looked for once more. */
  async #resourceOf(waiter: string, { gvk }: ObjectReference): Promise<ApiResource> {
    const { mapper } = this.#options.client;
    const known = await mapper.resourceFor(gvk).catch((error: unknown) => {
      if (!(error instanceof NoKindMatchError)) throw error;
      return undefined;
    });
    if (known !== undefined) {
      this.#kinds.waitFor(waiter, []);
      return known;
    }
    this.#awaited.settle(waiter);
    this.#kinds.waitFor(waiter, [gvk]);
    mapper.expire();
    return mapper.resourceFor(gvk);
  }

  /** The definition of a kind was deleted since it was found, or came just now. */
  #lost(waiter: string, gvk: GroupVersionKind, field: string): Omit<FoundObject, 'shown'> {
    this.#awaited.settle(waiter);
    this.#kinds.waitFor(waiter, [gvk]);
    this.#options.client.mapper.invalidate();
    return { why: whyNoKind(new NoKindMatchError(gvk), field), retryAfterMs: justServedMs };
  }

  async #read(
    o: {
      waiter: string;
      client: KubeClient;
      resource: ApiResource;
      key: ObjectKey;
    },
    { field, metadataOnly, signal }: LookOptions,
  ): Promise<Omit<FoundObject, 'shown'>> {
    const { waiter, client, resource, key } = o;
    try {
      return { object: await client.get<KubeObject>(resource, key, { metadataOnly, signal }) };
    } catch (error) {
      if (isInvalid(error)) {
        const problem = `${field} names no object: ${errorMessage(error)}`;
        throw new StalledError(invalidSpecReason, problem, { cause: error });
      }
      if (isNotFound(error)) {
        if (isKindMissing(error)) return this.#lost(waiter, resource, field);
        this.#awaited.begin(waiter, undefined);
        return { why: `not found (${field}): create it` };
      }
      if (!isForbidden(error)) throw error;
      // To whom nothing may be told, no watch tells anything.
      this.#awaited.settle(waiter);
      return {
        why: `cannot be read (${field}): ${errorMessage(error)}; allow it to the ServiceAccount`,
      };
    }
  }
}

function whyNoKind({ message }: NoKindMatchError, field: string): string {
  return `cannot be found (${field}): ${message}`;
}
