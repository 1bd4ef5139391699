import type { KubeObject } from '@sluice/shared/api';
import {
  evaluateHealth,
  formatObjectId,
  type Health,
  type HealthReads,
  type HealthRules,
  isNews,
  judgePresent,
  lacksValues,
  objectIdOf,
  unreadHealth,
} from '@sluice/shared/engine';
import type { AppliedObject } from './state.ts';

/** What a state of an object that a watch shows is judged by. */
export interface Grounds {
  /** As our last apply left it; undefined of what others have made. */
  applied: AppliedObject | undefined;
  reads: HealthReads;
  rules: HealthRules;
}

/** Whether expressions may ask for values that the watch does not show, and that were not read since they changed. */
export function isUnread(object: KubeObject, grounds: Grounds): boolean {
  const { resourceVersion } = object.metadata;
  if (!lacksValues(object, grounds.rules) || !isNews(resourceVersion, grounds.applied))
    return false;
  return grounds.reads.isOutdated(formatObjectId(objectIdOf(object)), resourceVersion);
}

/** Judges a state of an object; by what was read last, and by no digests, where the watch does not show its values. */
export function judgeShown(object: KubeObject, grounds: Grounds): Health {
  const { applied, reads, rules } = grounds;
  if (lacksValues(object, rules)) {
    if (applied !== undefined && !isNews(object.metadata.resourceVersion, applied))
      return applied.health;
    return reads.last(formatObjectId(objectIdOf(object))) ?? unreadHealth;
  }
  const judge = () => evaluateHealth(object, rules);
  return applied === undefined ? judge() : judgePresent(applied, object, judge);
}
