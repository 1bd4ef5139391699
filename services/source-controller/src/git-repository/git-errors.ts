import { ReconcileError, RetryableError, redactUrl } from '@sluice/shared/base';
import { LoginRefusedError } from '../adapters/git/git-error.ts';
import { HttpError } from '../adapters/http.ts';
import { authenticationFailedReason } from '../source/names.ts';
import { whyOf } from '../source/remote.ts';
import type { TimeLimit } from '../source/time-limit.ts';
import { gitFailedReason } from './resolve-ref.ts';

/**
 * Runs a Git operation and gives its failure the reason and message that clients see.
 *
 * @param url of the repository
 * @throws RetryableError `AuthenticationFailed` when the server wants other credentials, else `GitOperationFailed`
 */
export async function gitOperation<R>(
  url: string,
  limit: TimeLimit,
  run: () => Promise<R>,
): Promise<R> {
  try {
    return await run();
  } catch (error) {
    limit.throwIfStopped();
    if (error instanceof ReconcileError && error.kind !== 'retryable') throw error;
    const { status, retryAfterMs } = error instanceof HttpError ? error : {};
    const isLoginRefused = status === 401 || status === 403 || error instanceof LoginRefusedError;
    const reason = isLoginRefused ? authenticationFailedReason : gitFailedReason;
    const why = limit.error ?? whyOf(error);
    throw new RetryableError(
      reason,
      `failed to checkout and determine revision: unable to clone '${redactUrl(url)}': ${why}`,
      { cause: error, retryAfterMs },
    );
  }
}
