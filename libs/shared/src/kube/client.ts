import type { KubeObject } from '@sluice/shared/api';
import { tooLarge } from './answer-limits.ts';
import { isGone, isKindMissing, isTooLarge } from './api-error.ts';
import {
  applyType,
  hiderFor,
  json,
  named,
  partialList,
  partialObject,
  patchTypes,
} from './content.ts';
import type { DiscoveryMapper } from './mapper.ts';
import { collectionPath, createPath, objectPath, withQuery } from './paths.ts';
import { type ApiResource, apiVersionString, type ObjectKey } from './resource.ts';
import type { Answer, Call, Transport } from './transport.ts';
import type {
  ApplyPatchOptions,
  DeleteOptions,
  GetOptions,
  Identity,
  KubeClient,
  ListOptions,
  PatchOptions,
  RawRequestOptions,
  RequestOptions,
  RestMapper,
  WatchEvent,
  WatchOptions,
  WriteOptions,
} from './types.ts';
import { streamEvents } from './watch.ts';

export const defaultTimeoutMs = 60_000;
const defaultPageSize = 500;
const smallPageSize = 20;

/** What clients of one API server share, and whom this one acts as. */
export interface Parts {
  transport: Transport;
  mapper: DiscoveryMapper;
  server: string;
  acting?: Identity;
  /** Only the client that was created, not those that act through it, closes the connections. */
  owner: boolean;
}

interface Page<T> {
  metadata?: { resourceVersion?: string; continue?: string };
  items?: T[];
}

/** The client of {@link createKubeClient}. */
export class HttpKubeClient implements KubeClient {
  readonly mapper: RestMapper;
  readonly identity: string;
  readonly #parts: Parts;
  readonly #acting: Record<string, string | string[]>;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.mapper = parts.mapper;
    const { user, groups = [] } = parts.acting ?? { user: '' };
    this.identity = [parts.server, user, ...groups].join('|');
    this.#acting = {
      ...(user !== '' && { 'impersonate-user': user }),
      ...(groups.length > 0 && { 'impersonate-group': groups }),
    };
  }

  async get<T extends KubeObject>(r: ApiResource, key: ObjectKey, o: GetOptions = {}): Promise<T> {
    const accept = o.metadataOnly ? partialObject : json;
    const headers = { accept };
    const { body } = await this.#send(o, { r, method: 'GET', path: objectPath(r, key), headers });
    return named(body as T, r);
  }

  async list<T extends KubeObject>(
    r: ApiResource,
    o: ListOptions = {},
  ): Promise<{ items: T[]; resourceVersion: string }> {
    try {
      return await this.#pages<T>(r, o, o.limit ?? defaultPageSize);
    } catch (error) {
      // Of a few large objects, fewer fit into an answer.
      if (isTooLarge(error)) return this.#pages<T>(r, o, smallPageSize);
      // The snapshot that the pages came from expired on the way; one big answer cannot expire.
      if (!isGone(error) || o.resourceVersion) throw error;
      return this.#pages<T>(r, o, 0);
    }
  }

  async #pages<T extends KubeObject>(r: ApiResource, o: ListOptions, limit: number) {
    const { pages } = this.#parts.transport.limits;
    const items: T[] = [];
    let bytes = 0;
    let resourceVersion = '';
    let next: string | undefined;
    do {
      const answer = await this.#page<T>(r, o, { limit: limit || undefined, continue: next });
      const { page } = answer;
      bytes += answer.bytes;
      if (bytes > pages) {
        const path = collectionPath(r, o.namespace);
        const error = tooLarge(`the list of ${r.plural}`, pages);
        throw this.#parts.transport.streamError(error, { method: 'GET', path });
      }
      resourceVersion = page.metadata?.resourceVersion ?? '';
      for (const item of page.items ?? []) items.push(named(item, r));
      next = page.metadata?.continue;
    } while (next);
    return { items, resourceVersion };
  }

  async #page<T>(
    r: ApiResource,
    o: ListOptions,
    page: { limit?: number; continue?: string },
  ): Promise<{ page: Page<T>; bytes: number }> {
    const path = withQuery(collectionPath(r, o.namespace), {
      ...page,
      labelSelector: o.labelSelector,
      fieldSelector: o.fieldSelector,
      resourceVersion: page.continue ? undefined : o.resourceVersion,
    });
    const accept = o.metadataOnly ? partialList : json;
    // The server compresses answers over 128 KiB only.
    const headers = { accept, 'accept-encoding': 'gzip' };
    const call = { r, method: 'GET', path, headers, shape: 'list' as const };
    const { body, bytes } = await this.#send({ ...o, dryRun: false }, call);
    return { page: body as Page<T>, bytes };
  }

  watch<T extends KubeObject>(r: ApiResource, o: WatchOptions): AsyncIterable<WatchEvent<T>> {
    const path = withQuery(collectionPath(r, o.namespace), {
      watch: true,
      allowWatchBookmarks: o.bookmarks,
      resourceVersion: o.resourceVersion,
      labelSelector: o.labelSelector,
      fieldSelector: o.fieldSelector,
      timeoutSeconds: o.serverTimeoutMs && Math.ceil(o.serverTimeoutMs / 1000),
    });
    return streamEvents<T>(this.#parts.transport, {
      path,
      headers: { ...this.#acting, accept: o.metadataOnly ? partialObject : json },
      signal: o.signal,
      idleTimeoutMs: o.idleTimeoutMs,
      onOpen: o.onOpen,
      apiVersion: apiVersionString(r),
      kind: r.kind,
    });
  }

  async create<T extends KubeObject>(r: ApiResource, object: T, o: WriteOptions = {}): Promise<T> {
    const path = createPath(r, object.metadata.namespace);
    return this.#write<T>('POST', path, r, { ...o, object, type: json, idempotent: false });
  }

  async replace<T extends KubeObject>(
    r: ApiResource,
    object: T,
    o: WriteOptions & { subresource?: 'status' } = {},
  ): Promise<T> {
    const path = objectPath(r, object.metadata, o.subresource);
    return this.#write<T>('PUT', path, r, { ...o, object, type: json });
  }

  async patch<T extends KubeObject>(
    r: ApiResource,
    key: ObjectKey,
    patch: unknown,
    o: PatchOptions,
  ): Promise<T> {
    const path = objectPath(r, key, o.subresource);
    const type = patchTypes[o.type];
    return this.#write<T>('PATCH', path, r, {
      ...o,
      object: patch,
      type,
      idempotent: o.type !== 'json',
    });
  }

  async apply<T extends KubeObject>(
    r: ApiResource,
    object: T,
    o: ApplyPatchOptions,
  ): Promise<{ object: T; created: boolean }> {
    const path = withQuery(objectPath(r, object.metadata, o.subresource), {
      fieldManager: o.fieldManager,
      force: o.force,
    });
    const headers = { accept: json, 'content-type': applyType };
    const { status, body } = await this.#send(o, {
      r,
      method: 'PATCH',
      path,
      headers,
      body: JSON.stringify(object),
      sensitive: hiderFor(r, object),
    });
    return { object: named(body as T, r), created: status === 201 };
  }

  async delete(r: ApiResource, key: ObjectKey, o: DeleteOptions = {}): Promise<boolean> {
    const options = {
      apiVersion: 'v1',
      kind: 'DeleteOptions',
      propagationPolicy: o.propagation,
      // Beside a body, the API server does not look at the query.
      ...(o.dryRun && { dryRun: ['All'] }),
      ...((o.uid || o.resourceVersion) && {
        preconditions: { uid: o.uid, resourceVersion: o.resourceVersion },
      }),
    };
    const headers = { accept: json, 'content-type': json };
    const { body } = await this.#send(o, {
      r,
      method: 'DELETE',
      path: objectPath(r, key),
      headers,
      body: JSON.stringify(options),
    });
    // The answer is a Status, or the object: as it was last when it is gone, marked when it stays for now.
    return (body as Partial<KubeObject> | undefined)?.metadata?.deletionTimestamp === undefined;
  }

  async request(method: string, path: string, o: RawRequestOptions = {}): Promise<unknown> {
    const body = o.body === undefined ? undefined : JSON.stringify(o.body);
    const headers = {
      accept: json,
      ...(body !== undefined && { 'content-type': json }),
      ...o.headers,
    };
    const idempotent = method === 'GET' || method === 'HEAD';
    const answer = await this.#send(o, {
      method,
      path: withQuery(path, o.query ?? {}),
      headers,
      body,
      idempotent,
    });
    return answer.body;
  }

  impersonate(identity: Identity): KubeClient {
    return new HttpKubeClient({ ...this.#parts, acting: identity, owner: false });
  }

  async close(): Promise<void> {
    if (this.#parts.owner) await this.#parts.transport.close();
  }

  async #write<T extends KubeObject>(
    method: string,
    path: string,
    r: ApiResource,
    o: WriteOptions & { object: unknown; type: string; idempotent?: boolean },
  ): Promise<T> {
    const headers = { accept: o.metadataOnly ? partialObject : json, 'content-type': o.type };
    const { body } = await this.#send(o, {
      r,
      method,
      path: withQuery(path, { fieldManager: o.fieldManager, fieldValidation: o.fieldValidation }),
      headers,
      body: JSON.stringify(o.object),
      idempotent: o.idempotent,
      sensitive: hiderFor(r, o.object),
    });
    return named(body as T, r);
  }

  async #send(o: RequestOptions, call: Outgoing): Promise<Answer> {
    const { r, method, path, headers, body, idempotent = true, sensitive, shape } = call;
    try {
      return await this.#parts.transport.send({
        method,
        path: o.dryRun ? withQuery(path, { dryRun: 'All' }) : path,
        headers: { ...this.#acting, ...headers },
        signal: o.signal,
        timeoutMs: o.timeoutMs ?? defaultTimeoutMs,
        idempotent,
        body,
        sensitive,
        shape,
      });
    } catch (error) {
      if (r !== undefined && isKindMissing(error)) this.#parts.mapper.forget(r);
      throw error;
    }
  }
}

type Outgoing = Pick<Call, 'method' | 'path' | 'body' | 'sensitive' | 'shape'> & {
  headers: Record<string, string>;
  idempotent?: boolean;
  /** The resource that the path is of. */
  r?: ApiResource;
};
