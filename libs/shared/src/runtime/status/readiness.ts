import type { Condition, KubeObject } from '@sluice/shared/api';
import { conditionsOf, findCondition, readyCondition } from './conditions.ts';

/** A dependency that is not ready, and why, in words for a condition's message. */
export interface UnreadyDependency {
  key: string;
  why: string;
}

/**
 * Returns the dependencies that are missing, not reconciled at their present generation, or not Ready.
 *
 * @param dependsOn keys of the dependencies
 * @param get returns the object of a key, from a cache
 */
export function unreadyDependencies(
  dependsOn: readonly string[],
  get: (key: string) => KubeObject | undefined,
): UnreadyDependency[] {
  return dependsOn.flatMap((key) => {
    const why = whyUnready(get(key));
    return why === undefined ? [] : [{ key, why }];
  });
}

/** Says why an object cannot be depended upon yet; undefined when it is Ready at its present generation. */
export function whyUnready(object: KubeObject | undefined): string | undefined {
  if (!object) return 'it does not exist';
  const status = (object as { status?: { observedGeneration?: number } }).status;
  if (status?.observedGeneration !== object.metadata.generation) {
    return 'its latest change is not reconciled yet';
  }
  const ready: Condition | undefined = findCondition(conditionsOf(object), readyCondition);
  if (ready?.status === 'True') return undefined;
  return ready ? `it is not ready (${ready.reason})` : 'it has no Ready condition yet';
}
