import type { KubeObject } from '@sluice/shared/api';
import { conditionsOf, findCondition, readyCondition } from '@sluice/shared/runtime';

/**
 * Returns what a source says of why it has nothing new to offer: the message of its Ready condition when that is
 * False; undefined when it says nothing, such as while it is reconciled for the first time.
 */
export function failureOfSource(source: KubeObject): string | undefined {
  const ready = findCondition(conditionsOf(source), readyCondition);
  return ready?.status === 'False' && ready.message !== '' ? ready.message : undefined;
}
