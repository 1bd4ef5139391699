import type { Dispatcher } from 'undici';
import type { Artifact } from '../api/index.ts';
import {
  backoff,
  type Clock,
  errorMessage,
  type Logger,
  parseDigest,
  ReconcileError,
  RetryableError,
  StalledError,
  systemClock,
} from '../base/index.ts';
import type { AuthorizeDownload } from '../net/artifact-token.ts';
import { DownloadError, download } from './download.ts';
import { inlineArchiveBytes } from './unpack.ts';

/** Reason of every failure to get an artifact. */
export const artifactFailedReason = 'ArtifactFailed';

/** How artifacts are downloaded. */
export interface ArtifactDownloadOptions {
  /** Retries of a failing download before the error is reported. */
  httpRetries: number;
  /** Milliseconds without any byte before an attempt is given up; 30,000 unless told. */
  httpTimeoutMs?: number;
  logger: Logger;
  /** Through what an address is reached that is not rewritten. */
  dispatcher: Dispatcher;
  /** Rewrites an artifact's address, for a controller outside of the cluster. */
  resolveUrl?: (url: string) => string;
  /** Says with what `Authorization` an address is asked, if with any. */
  authorize?: AuthorizeDownload;
  /** Opens an artifact that this process has stored itself; undefined when it is another's. */
  openLocal?: (url: string) => (() => AsyncIterable<Uint8Array>) | undefined;
  clock?: Clock;
  /** Called for every artifact that had to be downloaded, with its compressed size in bytes. */
  onDownload?: (bytes: number | undefined) => void;
}

const defaultTimeoutMs = 30_000;
const retryMinMs = 100;
const retryMaxMs = 5000;

/**
 * Downloads an artifact and verifies its digest, with retries of what may pass.
 *
 * @param at where content too large for memory goes, and the limit of its size in bytes
 * @returns the bytes when they are few, else the path of the file that holds them
 * @throws DownloadError
 */
export async function downloadArtifact(
  artifact: Artifact,
  at: { spillPath: string; maxBytes: number },
  o: ArtifactDownloadOptions,
): Promise<Buffer | string> {
  const clock = o.clock ?? systemClock;
  for (let attempt = 0; ; attempt++) {
    try {
      o.onDownload?.(artifact.size);
      const url = o.resolveUrl?.(artifact.url) ?? artifact.url;
      const open = o.openLocal?.(url);
      const authorization = open ? undefined : await o.authorize?.(url);
      return await download({
        ...at,
        url,
        ...(open && { open }),
        ...(authorization !== undefined && { authorization }),
        // What the administrator has rewritten leads where the administrator says.
        ...(url === artifact.url && { dispatcher: o.dispatcher }),
        digest: artifact.digest,
        memoryBytes: inlineArchiveBytes,
        timeoutMs: o.httpTimeoutMs ?? defaultTimeoutMs,
      });
    } catch (error) {
      // A file that is gone was replaced: the source's new artifact is on its way, so no retry here.
      const retryable = error instanceof DownloadError && error.retryable;
      if (!retryable || attempt >= o.httpRetries) throw error;
      o.logger.debug({ url: artifact.url, attempt, error }, 'artifact download retried');
    }
    await clock.sleep(backoff({ attempt, minMs: retryMinMs, maxMs: retryMaxMs }));
  }
}

/**
 * Returns the digest of an artifact.
 *
 * @throws StalledError `ArtifactFailed` when it is missing or weak
 */
export function checkedDigest(artifact: Artifact): string {
  try {
    parseDigest(artifact.digest);
    return artifact.digest;
  } catch (error) {
    throw new StalledError(
      artifactFailedReason,
      `status.artifact.digest of revision '${artifact.revision}': ${errorMessage(error)}`,
    );
  }
}

/** Returns the error that says which artifact could not be had; typed errors stay. */
export function artifactError(artifact: Artifact, error: unknown): ReconcileError {
  if (error instanceof ReconcileError) return error;
  return new RetryableError(
    artifactFailedReason,
    `artifact of revision '${artifact.revision}' from ${artifact.url}: ${errorMessage(error)}`,
    { cause: error },
  );
}
