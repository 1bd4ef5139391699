import { RetryableError } from '@sluice/shared/base';
import { CommandError } from '@sluice/shared/cli';

/** Returns the error for input that cannot be built; a new revision of the source may help. */
export function buildFailed(message: string, cause?: unknown): RetryableError {
  return new RetryableError('BuildFailed', message, { cause });
}

/** Whether a build came to its end because it took too much memory or made too much. */
export function isOverLimit(error: Error): boolean {
  const { cause } = error;
  return cause instanceof CommandError && ['memory-limit', 'output-limit'].includes(cause.code);
}
