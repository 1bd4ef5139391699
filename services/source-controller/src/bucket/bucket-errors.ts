import { RetryableError } from '@sluice/shared/base';
import { CloudLoginError } from '@sluice/shared/cloud';
import { HttpError } from '../adapters/http.ts';
import { isBucketMissing, StorageError } from '../adapters/storage/object-storage.ts';
import { authenticationFailedReason } from '../source/names.ts';
import { explaining, whyOf } from '../source/remote.ts';
import type { TimeLimit } from '../source/time-limit.ts';

/** Reason of failures to list and to fetch objects. */
export const bucketFailedReason = 'BucketOperationFailed';

/**
 * Runs an operation on a bucket and gives its failure the reason and message that clients see.
 *
 * @param o.what starts the message, such as "failed to list the objects of bucket 'x'"
 * @throws RetryableError `AuthenticationFailed` when there is no login, else `BucketOperationFailed`
 */
export function bucketOperation<R>(
  o: { bucket: string; what: string; limit: TimeLimit },
  run: () => Promise<R>,
): Promise<R> {
  return explaining(o.limit, run, (error) => {
    const isLogin = error instanceof CloudLoginError;
    const isAnswer = error instanceof StorageError || error instanceof HttpError || isLogin;
    const retryAfterMs = isAnswer ? error.retryAfterMs : undefined;
    const why = o.limit.error ?? whyOf(error, 'spec.endpoint');
    const message = isBucketMissing(error)
      ? `bucket '${o.bucket}' does not exist`
      : `${o.what}: ${why}`;
    return new RetryableError(isLogin ? authenticationFailedReason : bucketFailedReason, message, {
      cause: error,
      retryAfterMs,
    });
  });
}
