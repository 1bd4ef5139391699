import { BudgetError, ReconcileError, RefusedWork, systemClock } from '@sluice/shared/base';
import { fetchFailedCondition } from './names.ts';
import type { SourceContext } from './source.ts';
import { phase } from './status.ts';

/** Remembers whose content was over a limit. */
export function createRefusedContent(): RefusedWork {
  const isOverLimit = (error: Error) =>
    error instanceof ReconcileError && error.cause instanceof BudgetError;
  return new RefusedWork(isOverLimit, systemClock);
}

/**
 * Makes an artifact, unless the same content was over a limit a short while ago: it would be fetched for nothing.
 *
 * @param content what the artifact is made of, besides the spec
 * @throws as `make` does; the former error, under the condition FetchFailed, instead of making it once more
 */
export async function makeUnlessRefused<T>(
  { object, status }: SourceContext,
  refused: RefusedWork,
  content: string,
  make: () => Promise<T>,
): Promise<T> {
  const { uid = '', generation } = object.metadata;
  const work = { owner: uid, input: `${generation} ${content}` };
  const known = refused.find(work);
  if (known !== undefined) return phase(status, fetchFailedCondition, () => Promise.reject(known));
  return refused.run(work, make);
}
