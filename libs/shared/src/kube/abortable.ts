import type { Readable } from 'node:stream';

/**
 * Waits for a promise, but not beyond an abort: rejects with the signal's reason then, and has the value dropped if it
 * still comes.
 */
export async function abortable<T>(
  promise: Promise<T>,
  signal: AbortSignal | undefined,
  drop: (late: T) => void,
): Promise<T> {
  if (signal === undefined) return promise;
  const aborted = Promise.withResolvers<never>();
  const abort = () => {
    aborted.reject(signal.reason);
    // Nobody waits for it any more; its failure is of no interest.
    promise.then(drop, () => {});
  };
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

/** Destroys a stream when the signal is aborted. */
export function destroyOnAbort(body: Readable, signal: AbortSignal | undefined): void {
  if (signal === undefined) return;
  const abort = () => body.destroy(signal.reason);
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort, { once: true });
  body.once('close', () => signal.removeEventListener('abort', abort));
}

/** Destroys a stream that nobody reads. */
export function discard(body: Readable): void {
  body.on('error', () => {});
  body.destroy();
}
