import { type SaveOptions, saveBody } from '../save-body.ts';
import {
  type FetchedObject,
  type ObjectStorage,
  StorageError,
  type StoredObject,
} from './object-storage.ts';
import { failureOf, pageOf, type StorageDoor, storageGet } from './storage-request.ts';

export interface GoogleStorageOptions extends StorageDoor {
  /** Address of the storage, without a path. */
  endpoint: URL;
  bucket: string;
  token: () => Promise<string>;
}

/** An object, and a page of a list, as the API writes them. */
interface Item {
  name?: unknown;
  etag?: unknown;
  size?: unknown;
  generation?: unknown;
}

interface Page {
  kind?: unknown;
  items?: Item[];
  nextPageToken?: unknown;
}

/**
 * A bucket of Google Cloud Storage.
 *
 * @see https://cloud.google.com/storage/docs/json_api/v1/objects/list
 */
export class GoogleStorage implements ObjectStorage {
  readonly #o: GoogleStorageOptions;

  constructor(o: GoogleStorageOptions) {
    this.#o = o;
  }

  async *list(prefix: string): AsyncIterable<StoredObject[]> {
    let next = '';
    do {
      const page = await this.#json<Page>('', {
        fields: 'kind,items(name,etag,size,generation),nextPageToken',
        ...(next !== '' && { pageToken: next }),
        ...(prefix !== '' && { prefix }),
      });
      if (page === undefined) throw missingBucket(this.#o);
      // What is something else must not pass for an empty list.
      if (page.kind !== 'storage#objects') {
        const { host } = this.#o.endpoint;
        throw new StorageError(`${host} answered with something that is no list of objects`, {
          status: 200,
        });
      }
      yield (page.items ?? []).map(objectOf);
      next = typeof page.nextPageToken === 'string' ? page.nextPageToken : '';
    } while (next !== '');
  }

  async get(object: StoredObject, o: SaveOptions): Promise<FetchedObject | undefined> {
    const fetched = await this.#content(object, o);
    if (fetched !== undefined) return fetched;
    // It was replaced, or is gone.
    const now = await this.#json<Item>(`/${encodeURIComponent(object.key)}`, {
      fields: 'name,etag,size,generation',
    });
    return now === undefined ? undefined : this.#content(objectOf(now), o);
  }

  async #content(object: StoredObject, o: SaveOptions): Promise<FetchedObject | undefined> {
    const { key, etag, version } = object;
    const response = await this.#get(`/${encodeURIComponent(key)}`, {
      alt: 'media',
      ...(version !== undefined && { generation: version }),
    });
    if (response.status === 200) return { ...(await saveBody(response, o)), etag };
    const failure = await failureOf(response, this.#o);
    if (failure.status === 404) return undefined;
    throw failure;
  }

  async #json<T>(path: string, query: Record<string, string>): Promise<T | undefined> {
    const response = await this.#get(path, query);
    if (response.status === 404) {
      await response.body.dump();
      return undefined;
    }
    const text = await pageOf(response, this.#o);
    try {
      return JSON.parse(text) as T;
    } catch {
      throw new StorageError(`${response.url.host} answered with something that is no JSON`, {
        status: response.status,
      });
    }
  }

  #get(path: string, query: Record<string, string>) {
    const { endpoint, bucket, token } = this.#o;
    const url = new URL(`/storage/v1/b/${encodeURIComponent(bucket)}/o${path}`, endpoint);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    const authorize = async () => ({ url, headers: { authorization: `Bearer ${await token()}` } });
    return storageGet(url, authorize, this.#o);
  }
}

function missingBucket({ endpoint }: GoogleStorageOptions): StorageError {
  return new StorageError(`${endpoint.host} has no such bucket`, {
    status: 404,
    code: 'NoSuchBucket',
  });
}

function objectOf({ name, etag, size, generation }: Item): StoredObject {
  return {
    key: String(name ?? ''),
    etag: String(etag ?? ''),
    size: Number(size) || 0,
    ...(generation !== undefined && { version: String(generation) }),
  };
}
