import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { type Clock, formatDigest, redactUrl } from '@sluice/shared/base';
import type { Endpoints } from '../adapters/endpoint.ts';
import { fetchFile } from '../adapters/fetch-file.ts';
import { HttpError } from '../adapters/http.ts';
import { remoteOperation } from '../source/remote.ts';
import type { TimeLimit } from '../source/time-limit.ts';
import type { RepositoryAccess } from './access.ts';
import { indexAddress } from './address.ts';

/** A fetched index on the disk. */
export interface FetchedIndex {
  /** Path of the file; to be removed by the caller. */
  path: string;
  /** Digest of its content, `sha256:…`. */
  revision: string;
  size: number;
}

/** What fetching an index needs. */
export interface FetchIndexOptions {
  endpoints: Endpoints;
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
export async function fetchIndex(
  access: RepositoryAccess,
  o: FetchIndexOptions,
): Promise<FetchedIndex> {
  const path = join(o.tempDir, `index-${randomBytes(8).toString('hex')}`);
  const what = `failed to fetch Helm repository index of '${redactUrl(access.url.href)}'`;
  return remoteOperation({ reason: fetchFailedReason, what, limit: o.limit }, async () => {
    const { hex, size } = await fetchFile(
      {
        url: indexAddress(access.url),
        ...(access.authorization !== undefined && { authorization: access.authorization }),
        dispatcher: o.endpoints.dispatcherFor(access.endpoint),
        signal: o.limit.signal,
        clock: o.clock,
      },
      // Always a file, whatever its size: it is read by path, at times in another thread.
      { memoryBytes: -1, path, maxBytes: o.maxIndexBytes },
    );
    if (size === 0) throw new HttpError('the answer is empty');
    return { path, size, revision: formatDigest({ algorithm: 'sha256', hex }) };
  });
}
