import type { SavedBody, SaveOptions } from '../save-body.ts';

/** An object of a bucket, as a list of them shows it. */
export interface StoredObject {
  key: string;
  /** Says which content it has, in the form of the revision. */
  etag: string;
  size: number;
  /** Names this very content in requests, where the storage has such names. */
  version?: string;
}

/** A downloaded object: what it holds, and the etag that goes with it. */
export type FetchedObject = SavedBody & { etag: string };

/** One bucket of an object storage. */
export interface ObjectStorage {
  /**
   * Lists the objects whose keys start with a prefix, page by page.
   *
   * @throws StorageError, HttpError
   */
  list(prefix: string): AsyncIterable<StoredObject[]>;
  /**
   * Downloads an object, as it is now.
   *
   * @returns undefined when it is gone
   * @throws StorageError, HttpError
   */
  get(object: StoredObject, o: SaveOptions): Promise<FetchedObject | undefined>;
}

/** What a storage answered that cannot be used. */
export class StorageError extends Error {
  override name = 'StorageError';
  /** Status of the answer. */
  readonly status: number;
  /** Code by which the storage names the error; empty when it names none. */
  readonly code: string;
  readonly retryAfterMs?: number;

  constructor(message: string, o: { status: number; code?: string; retryAfterMs?: number }) {
    super(message);
    this.status = o.status;
    this.code = o.code ?? '';
    if (o.retryAfterMs !== undefined) this.retryAfterMs = o.retryAfterMs;
  }
}

/** Codes of a storage that has no bucket of that name. */
const missingBucketCodes = ['NoSuchBucket', 'ContainerNotFound'];

/** Tells whether the bucket does not exist. */
export function isBucketMissing(error: unknown): boolean {
  return error instanceof StorageError && missingBucketCodes.includes(error.code);
}

/** An etag without its quotes. */
export function bareEtag(etag: string | undefined): string {
  return (etag ?? '').replace(/^(?:W\/)?"(.*)"$/, '$1');
}
