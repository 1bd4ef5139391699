import type { KubeObject } from '@sluice/shared/api';
import type { ApiResource, GroupVersionKind, ObjectKey } from './resource.ts';

export interface RequestOptions {
  signal?: AbortSignal;
  /** Milliseconds for the whole call, retries included; 60,000 unless told. */
  timeoutMs?: number;
  dryRun?: boolean;
}

export interface GetOptions extends RequestOptions {
  /** Fetches `metadata` alone. */
  metadataOnly?: boolean;
}

export interface WriteOptions extends RequestOptions {
  fieldManager?: string;
  /** `Strict` has unknown and repeated fields refused, `Warn`, the server's default, has them left out. */
  fieldValidation?: 'Strict' | 'Warn' | 'Ignore';
  /** Has the server answer with `metadata` alone, which spares both sides the rest. */
  metadataOnly?: boolean;
}

export interface ListOptions extends RequestOptions {
  namespace?: string;
  labelSelector?: string;
  fieldSelector?: string;
  /** Objects per page; 500 unless told. All pages are fetched whatever its value. */
  limit?: number;
  resourceVersion?: string;
  metadataOnly?: boolean;
}

export interface WatchOptions extends ListOptions {
  resourceVersion: string;
  bookmarks?: boolean;
  /** Milliseconds without a byte after which the connection counts as dead; no limit unless told. */
  idleTimeoutMs?: number;
  /** Milliseconds after which the server ends the watch in an orderly way. */
  serverTimeoutMs?: number;
  /** Called when the server has agreed to the watch. */
  onOpen?: () => void;
}

export interface PatchOptions extends WriteOptions {
  type: 'merge' | 'json' | 'strategic';
  subresource?: 'status';
}

export interface ApplyPatchOptions extends RequestOptions {
  fieldManager: string;
  force?: boolean;
  subresource?: 'status';
}

export interface DeleteOptions extends RequestOptions {
  propagation?: 'Background' | 'Foreground' | 'Orphan';
  /** Deletes only the object with this UID; a 409 otherwise. */
  uid?: string;
  resourceVersion?: string;
}

export interface RawRequestOptions extends RequestOptions {
  body?: unknown;
  query?: Record<string, string>;
  headers?: Record<string, string>;
}

/** A change seen by a watch. A `BOOKMARK` carries nothing but a newer `metadata.resourceVersion`. */
export interface WatchEvent<T extends KubeObject> {
  type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK';
  object: T;
}

/** Whom to act as. Without groups, the API server gives a service account its own. */
export interface Identity {
  user: string;
  groups?: string[];
}

/** Knows which resource serves a kind. */
export interface RestMapper {
  /**
   * Finds the resource of a kind, asking the API server when it is not known yet.
   *
   * @throws NoKindMatchError when the cluster does not serve the kind
   */
  resourceFor(gvk: GroupVersionKind): Promise<ApiResource>;
  /** Makes the next miss ask the API server, however recent the last question was; what is known stays. */
  expire(): void;
  /**
   * Forgets what the API server has listed, so that all is asked for anew. What was learned stays: several share a
   * mapper, and what one has just established, the answer to another may not list yet.
   */
  invalidate(): void;
  /**
   * Adds resources known from elsewhere, such as a CRD just established, which discovery may list only later. They
   * replace what was learned of the same kinds, so all served versions of a kind belong into one call.
   */
  learn(resources: ApiResource[]): void;
}

/**
 * A client of one API server.
 *
 * Every method throws {@link ApiError} when the server refuses, {@link ConnectionError} when it gives no answer, and the
 * signal's reason when aborted. What is safe to repeat is repeated a few times: requests refused for overload (429),
 * refused connections, and, for all but creations and JSON patches, server errors and lost connections.
 */
export interface KubeClient {
  readonly mapper: RestMapper;
  /** Server and impersonated user: equal for clients that see the same world. Holds no credentials. */
  readonly identity: string;
  /** Fetches one object; an ApiError with status 404 when absent. */
  get<T extends KubeObject>(r: ApiResource, key: ObjectKey, o?: GetOptions): Promise<T>;
  /** Fetches all matching objects, page by page; each gets its `apiVersion` and `kind`. */
  list<T extends KubeObject>(
    r: ApiResource,
    o?: ListOptions,
  ): Promise<{ items: T[]; resourceVersion: string }>;
  /** Streams changes after a resource version; ends when the server ends it. `ERROR` events throw ApiError. */
  watch<T extends KubeObject>(r: ApiResource, o: WatchOptions): AsyncIterable<WatchEvent<T>>;
  create<T extends KubeObject>(r: ApiResource, object: T, o?: WriteOptions): Promise<T>;
  replace<T extends KubeObject>(
    r: ApiResource,
    object: T,
    o?: WriteOptions & { subresource?: 'status' },
  ): Promise<T>;
  patch<T extends KubeObject>(
    r: ApiResource,
    key: ObjectKey,
    patch: unknown,
    o: PatchOptions,
  ): Promise<T>;
  /** Server-side apply. A 409 names the conflicting fields and their managers unless `force` is set. */
  apply<T extends KubeObject>(
    r: ApiResource,
    object: T,
    o: ApplyPatchOptions,
  ): Promise<{ object: T; created: boolean }>;
  /**
   * Deletes one object; an ApiError with status 404 when absent. Resolves to whether it is gone, rather than held by
   * finalizers or for a grace period.
   */
  delete(r: ApiResource, key: ObjectKey, o?: DeleteOptions): Promise<boolean>;
  /** Any other request; `path` starts with a slash. Returns the JSON answer, or the text when it is not JSON. */
  request(method: string, path: string, o?: RawRequestOptions): Promise<unknown>;
  /** Returns a client that acts as someone else over the same connections and with the same mapper. */
  impersonate(identity: Identity): KubeClient;
  /** Ends running requests and watches with ConnectionError `CLOSED`. An impersonating client has nothing to close. */
  close(): Promise<void>;
}
