import { progressingReason, withSpan } from '@sluice/shared/runtime';
import type { SourceContext } from './source.ts';
import { markOutdated } from './status.ts';

/** Work that is done before this many milliseconds is not announced: it would only cost a write. */
const announceAfterMs = 1000;

/**
 * Waits for work, and writes Reconciling to the status when it takes long.
 *
 * @param message says what is being done
 */
export async function withProgress<R>(
  context: SourceContext,
  message: string,
  work: () => Promise<R>,
): Promise<R> {
  const running = withSpan('make artifact', {}, work);
  const ended = new AbortController();
  const settled = running.then(
    () => 'ended',
    () => 'ended',
  );
  const late = context.clock.sleep(announceAfterMs, ended.signal).then(
    () => 'late',
    () => 'ended',
  );
  const first = await Promise.race([settled, late]);
  ended.abort();
  if (first === 'late') {
    markOutdated(context.status, message);
    context.status.reconciling(progressingReason, `building artifact: ${message}`, {
      unready: true,
    });
    // The work's own outcome matters more than a write that failed.
    await Promise.allSettled([context.status.patch(), running]);
  }
  return running;
}
