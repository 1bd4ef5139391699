import type { TaskOptions } from '@sluice/shared/artifact';
import type { ByteBudget } from '@sluice/shared/base';
import type { SourceContext } from './source.ts';

/** For whom work is done, what ends it, and what it may hold in memory: without limit when that is undefined. */
export interface Turn extends TaskOptions {
  memory?: ByteBudget;
}

/**
 * Says for whom the work of a reconcile is done: namespaces take turns, so that none keeps the others waiting.
 *
 * @param limit ends the work: the signal of a time limit, or of the reconcile itself
 */
export function turnOf(
  { object, signal }: SourceContext,
  { memory }: { memory: ByteBudget },
  limit: AbortSignal = signal,
): Required<Turn> {
  return { share: object.metadata.namespace ?? '', signal: limit, memory };
}

/**
 * Runs work that holds bytes, once they are free.
 *
 * @throws BudgetError when one namespace may never hold so many; the signal's reason when it aborts before
 */
export function withMemory<T>(turn: Turn, bytes: number, work: () => Promise<T>): Promise<T> {
  if (turn.memory === undefined) return work();
  return turn.memory.run(turn.share ?? '', bytes, work, turn.signal);
}
