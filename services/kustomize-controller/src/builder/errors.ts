import { RetryableError } from '@sluice/shared/base';

/** Returns the error for input that cannot be built; a new revision of the source may help. */
export function buildFailed(message: string, cause?: unknown): RetryableError {
  return new RetryableError('BuildFailed', message, { cause });
}
