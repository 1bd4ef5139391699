import type { Condition, KubeObject } from '@sluice/shared/api';
import { conditionsOf, findCondition, messageText, readyCondition } from './conditions.ts';

/** Of a message of another object, that a condition quotes. */
const maxQuoted = 1000;

/**
 * Says why an object cannot be depended upon yet; undefined when it is Ready at its present generation.
 *
 * @param o.quote whether to pass on what the object itself says of its failure: who asks may read it
 */
export function whyUnready(
  object: KubeObject | undefined,
  o: { quote?: boolean } = {},
): string | undefined {
  if (!object) return 'it does not exist';
  const status = (object as { status?: { observedGeneration?: number } }).status;
  const isCurrent = status?.observedGeneration === object.metadata.generation;
  const ready: Condition | undefined = findCondition(conditionsOf(object), readyCondition);
  if (o.quote && ready?.status === 'False' && ready.message !== '')
    return `it is not ready (${ready.reason}): ${messageText(ready.message, maxQuoted)}`;
  if (!isCurrent) return 'its latest change is not reconciled yet';
  if (ready?.status === 'True') return undefined;
  return ready ? `it is not ready (${ready.reason})` : 'it has no Ready condition yet';
}
