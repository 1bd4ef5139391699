import { ArchiveError } from '@sluice/shared/artifact';
import { BudgetError, ReconcileError, RetryableError, redactUrl } from '@sluice/shared/base';
import { LoginRefusedError } from '../adapters/git/git-error.ts';
import { PackError } from '../adapters/git/pack-error.ts';
import { HttpError } from '../adapters/http.ts';
import { authenticationFailedReason } from '../source/names.ts';
import { whyOf } from '../source/remote.ts';
import type { TimeLimit } from '../source/time-limit.ts';
import { gitFailedReason } from './resolve-ref.ts';
import { MissingDirectoryError } from './sparse.ts';

/** What an operation is about, for its message. */
interface Subject {
  /** What cannot be done without it. */
  task?: string;
  /** Where the address of the repository stands. */
  field?: string;
}

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
  { task = 'determine revision', field }: Subject = {},
): Promise<R> {
  try {
    return await run();
  } catch (error) {
    limit.throwIfStopped();
    if (error instanceof ReconcileError && error.kind !== 'retryable') throw error;
    const { status, retryAfterMs } = error instanceof HttpError ? error : {};
    const isLoginRefused = status === 401 || status === 403 || error instanceof LoginRefusedError;
    const reason = isLoginRefused ? authenticationFailedReason : gitFailedReason;
    const why = limit.error ?? whyOf(error, field);
    throw new RetryableError(
      reason,
      `failed to checkout and ${task}: unable to clone '${redactUrl(url)}': ${why}`,
      { cause: error, retryAfterMs },
    );
  }
}

/** Says what is wrong with what was fetched; undefined when something else went wrong. */
export function whyRefused(error: unknown): string | undefined {
  if (error instanceof PackError) return `the received pack is refused: ${error.message}`;
  if (error instanceof MissingDirectoryError || error instanceof BudgetError) return error.message;
  return error instanceof ArchiveError ? `an included artifact: ${error.message}` : undefined;
}
