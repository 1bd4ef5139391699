import type { KubeObject } from '@sluice/shared/api';
import type { ApiResource, ObjectKey } from '@sluice/shared/kube';

/** A change of a live object. */
export interface LiveChange {
  type: 'added' | 'modified' | 'deleted';
  resource: ApiResource;
  object: KubeObject;
  previous?: KubeObject;
}

/**
 * The live state of all objects that carry a label, kept up to date by one watch per resource, whoever asks. Objects
 * are compact: values of Secrets are digests, and managed fields are mostly left out (see `compactObject`).
 */
export interface LiveObjects {
  /**
   * Starts the watch of a resource if needed, and resolves when its objects are known.
   *
   * @throws ApiError when the account may not list or watch it or it does not exist, ConnectionError `TIMEOUT` when
   * that takes too long
   */
  ensure(resource: ApiResource): Promise<void>;
  /** Whether the objects of a resource are known. */
  isSynced(resource: ApiResource): boolean;
  /** Returns a live object; undefined when there is none with the label, or its resource is not watched. */
  get(resource: ApiResource, key: ObjectKey): KubeObject | undefined;
  /** Returns all live objects of a resource. */
  list(resource: ApiResource): KubeObject[];
  /** Calls the listener with each change, objects known at the start of a watch included; returns how to end that. */
  onChange(listener: (change: LiveChange) => void): () => void;
  /** Ends the watch of a resource that is of no more use and forgets its objects. */
  release(resource: ApiResource): Promise<void>;
  /** Ends all watches. */
  stop(): Promise<void>;
}
