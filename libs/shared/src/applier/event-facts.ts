import { changesFact, factPrefix, firstFailureFact } from '@sluice/shared/api';
import { cut, printable } from '@sluice/shared/base';

/** Characters of each fact. */
const maxFailure = 500;
const maxChanges = 900;

/**
 * Returns facts about what an event tells, as metadata of it.
 *
 * @param o `firstFailure` names the first object that failed, and why; `changes` the fields that were changed, a line for
 *   each object
 */
export function eventFacts(o: {
  firstFailure?: string | undefined;
  changes?: string | undefined;
}): Record<string, string> {
  const failure = printable(o.firstFailure ?? '').replace(/\s+/g, ' ');
  const changes = printable(o.changes ?? '');
  return {
    ...(failure !== '' && { [`${factPrefix}${firstFailureFact}`]: cut(failure, maxFailure) }),
    ...(changes !== '' && { [`${factPrefix}${changesFact}`]: cut(changes, maxChanges) }),
  };
}
