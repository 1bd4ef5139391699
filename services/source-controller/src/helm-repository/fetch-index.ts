import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Artifact } from '@sluice/shared/api';
import { type Clock, formatDigest, redactUrl } from '@sluice/shared/base';
import type { Endpoints } from '../adapters/endpoint.ts';
import {
  type FetchedFile,
  type FileRequest,
  fetchChangedFile,
  fetchFile,
  type Validators,
} from '../adapters/fetch-file.ts';
import { HttpError } from '../adapters/http.ts';
import type { SaveOptions } from '../adapters/save-body.ts';
import { remoteOperation } from '../source/remote.ts';
import type { TimeLimit } from '../source/time-limit.ts';
import type { RepositoryAccess } from './access.ts';
import { indexAddress } from './address.ts';

/** What a server sent, and said of it. */
export interface IndexFacts {
  /** Digest of its content, `sha256:…`. */
  revision: string;
  size: number;
  validators: Validators;
}

/** An index that is stored already. */
export interface StoredIndex extends IndexFacts {
  artifact: Artifact;
}

/** A fetched index on the disk. */
export interface FetchedIndex extends IndexFacts {
  /** Path of the file; to be removed by the caller. */
  path: string;
}

/** What fetching an index needs. */
export interface FetchIndexOptions {
  endpoints: Endpoints;
  /** Whose index it is, such as a namespace. */
  share: string;
  tempDir: string;
  maxIndexBytes: number;
  clock: Clock;
  limit: TimeLimit;
}

/** Reason of failures to fetch. */
export const fetchFailedReason = 'Failed';

/**
 * Downloads the index of a repository into a file.
 *
 * @throws RetryableError `Failed` or `AuthenticationFailed`; no file is left behind then
 */
export function fetchIndex(access: RepositoryAccess, o: FetchIndexOptions): Promise<FetchedIndex> {
  return fetching(access, o, async (request, save) =>
    fetched(await fetchFile(request, save), save),
  );
}

/**
 * Downloads the index of a repository into a file, unless its server says that it is the stored one.
 *
 * @throws RetryableError `Failed` or `AuthenticationFailed`; no file is left behind then
 */
export function fetchUnlessStored(
  access: RepositoryAccess,
  o: FetchIndexOptions,
  stored: StoredIndex,
): Promise<FetchedIndex | StoredIndex> {
  return fetching(access, o, async (request, save) => {
    const file = await fetchChangedFile(request, stored.validators, save);
    return file === undefined ? stored : fetched(file, save);
  });
}

function fetched({ hex, size, validators }: FetchedFile, { path }: SaveOptions): FetchedIndex {
  if (size === 0) throw new HttpError('the answer is empty');
  return { path, size, validators, revision: formatDigest({ algorithm: 'sha256', hex }) };
}

function fetching<T>(
  access: RepositoryAccess,
  o: FetchIndexOptions,
  download: (request: FileRequest, save: SaveOptions) => Promise<T>,
): Promise<T> {
  const path = join(o.tempDir, `index-${randomBytes(8).toString('hex')}`);
  const what = `failed to fetch Helm repository index of '${redactUrl(access.url.href)}'`;
  return remoteOperation({ reason: fetchFailedReason, what, limit: o.limit }, () =>
    download(
      {
        url: indexAddress(access.url),
        ...(access.authorization !== undefined && { authorization: access.authorization }),
        dispatcher: o.endpoints.dispatcherFor(access.endpoint, o.share),
        signal: o.limit.signal,
        clock: o.clock,
        compressed: true,
      },
      // Always a file, whatever its size: it is read by path, at times in another thread.
      { memoryBytes: -1, path, maxBytes: o.maxIndexBytes },
    ),
  );
}
