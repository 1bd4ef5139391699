import type { TaskOptions } from '@sluice/shared/artifact';
import type { SourceContext } from './source.ts';

/** For whom work is done, and what ends it. */
export type Turn = Required<TaskOptions>;

/**
 * Says for whom the work of a reconcile is done: namespaces take turns, so that none keeps the others waiting.
 *
 * @param signal ends the work: that of a time limit, or of the reconcile itself
 */
export function turnOf({ object, signal }: SourceContext, limit: AbortSignal = signal): Turn {
  return { share: object.metadata.namespace ?? '', signal: limit };
}
