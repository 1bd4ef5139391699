import type { Kustomization } from '@sluice/shared/api';
import { parseDuration } from '@sluice/shared/base';
import {
  type Cluster,
  computeHealth,
  expiredJob,
  formatObjectId,
  type LiveChange,
  noteDrift,
  objectIdOf,
} from '@sluice/shared/engine';
import type { AppliedBuild, KustomizationState } from './state.ts';

/** An interval that cannot be read stalls its object, and must not disturb others. */
function intervalMsOf(interval: string): number {
  try {
    return parseDuration(interval);
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

/** Notes how a Job has ended that removed itself: nothing else will tell. */
function noteEnd({ type, object }: LiveChange, applied: AppliedBuild | undefined): void {
  if (type !== 'deleted' || expiredJob(object, Date.now()) === undefined) return;
  const known = applied?.objects.get(formatObjectId(objectIdOf(object)));
  if (known !== undefined) known.health = computeHealth(object);
}

/**
 * Notes what a change of an applied object means: drift, or the end of a Job.
 *
 * @returns whether that has to be looked at now
 */
export function noteChange(
  change: LiveChange,
  cluster: Cluster,
  { state, object }: { state: KustomizationState; object: Kustomization },
): boolean {
  const { driftDetection, interval } = object.spec;
  noteEnd(change, state.applied);
  if (driftDetection?.mode === 'disabled') return false;
  const intervalMs = intervalMsOf(interval);
  const isNews = noteDrift(change, cluster, { state, intervalMs });
  // Otherwise everything is applied again anyway.
  return isNews && state.applied !== undefined;
}
