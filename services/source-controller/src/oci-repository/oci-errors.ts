import { errorMessage, ReconcileError, RetryableError } from '@sluice/shared/base';
import { HttpError } from '../adapters/http.ts';
import { RegistryAuthError } from '../adapters/registry/client.ts';
import { authenticationFailedReason } from '../source/names.ts';
import type { TimeLimit } from '../source/time-limit.ts';

/** Reasons of failures. */
export const pullFailedReason = 'OCIArtifactPullFailed';
export const layerFailedReason = 'OCIArtifactLayerOperationFailed';
export const readFailedReason = 'ReadOperationFailed';

/**
 * Runs an operation on a registry and gives its failure the reason and message that clients see.
 *
 * @param o.what starts the message, such as "failed to pull artifact from 'oci://…'"
 * @throws RetryableError `AuthenticationFailed` when the registry wants another login, else `o.reason`
 */
export async function registryOperation<R>(
  o: { reason: string; what: string; limit: TimeLimit },
  run: () => Promise<R>,
): Promise<R> {
  try {
    return await run();
  } catch (error) {
    o.limit.throwIfStopped();
    if (error instanceof ReconcileError) throw error;
    const refused = error instanceof RegistryAuthError;
    const retryAfterMs = error instanceof HttpError ? error.retryAfterMs : undefined;
    throw new RetryableError(
      refused ? authenticationFailedReason : o.reason,
      `${o.what}: ${o.limit.error ?? errorMessage(error)}`,
      { cause: error, retryAfterMs },
    );
  }
}
