import { errorMessage, ReconcileError, RetryableError } from '@sluice/shared/base';
import { refusalIn } from '@sluice/shared/net';
import { HttpError } from '../adapters/http.ts';
import { RegistryAuthError } from '../adapters/registry/client.ts';
import { authenticationFailedReason } from './names.ts';
import type { TimeLimit } from './time-limit.ts';

/**
 * Runs an operation on a server and gives its failure the reason and message that clients see.
 *
 * @param o.what starts the message, such as "failed to pull artifact from 'oci://…'"
 * @throws RetryableError `AuthenticationFailed` when the server wants another login, else `o.reason`
 */
export function remoteOperation<R>(
  o: { reason: string; what: string; limit: TimeLimit },
  run: () => Promise<R>,
): Promise<R> {
  return explaining(o.limit, run, (error) => {
    const { status, retryAfterMs } = error instanceof HttpError ? error : {};
    const refused = error instanceof RegistryAuthError || status === 401 || status === 403;
    return new RetryableError(
      refused ? authenticationFailedReason : o.reason,
      `${o.what}: ${o.limit.error ?? whyOf(error)}`,
      { cause: error, retryAfterMs },
    );
  });
}

/** Runs an operation, and lets its failures be explained that say nothing to clients yet. */
export async function explaining<R>(
  limit: TimeLimit,
  run: () => Promise<R>,
  explain: (error: unknown) => RetryableError,
): Promise<R> {
  try {
    return await run();
  } catch (error) {
    limit.throwIfStopped();
    throw error instanceof ReconcileError ? error : explain(error);
  }
}

/**
 * Says what went wrong with a server; of an address that is refused also which field leads there.
 *
 * @param named field that names the server
 */
export function whyOf(error: unknown, named = 'spec.url'): string {
  const refusal = refusalIn(error);
  if (refusal === undefined) return errorMessage(error);
  const field = refusal.role === 'proxy' ? 'spec.proxySecretRef' : named;
  return `${field} leads to a refused address: ${refusal.message}`;
}
