import type { KubeObject } from '@sluice/shared/api';
import { fieldAt, groupOf, mapsAt, stringAt } from '../object/object-fields.ts';

/** Clocks of this machine and of the cluster may differ by this many milliseconds. */
const clockToleranceMs = 5_000;

/** Returns the seconds after which a Job removes itself once it has ended; undefined for everything else. */
function timeToLive(object: KubeObject): number | undefined {
  if (object.kind !== 'Job' || groupOf(object.apiVersion) !== 'batch') return undefined;
  const seconds = fieldAt(object, 'spec', 'ttlSecondsAfterFinished');
  return typeof seconds === 'number' ? seconds : undefined;
}

/** Whether an object is a Job that removes itself after it has ended. */
export function removesItself(object: KubeObject): boolean {
  return timeToLive(object) !== undefined;
}

/**
 * Says how a Job had ended that is gone because its time to live was over; undefined when it is gone for another reason.
 *
 * @param last the object as it was last seen
 * @param nowMs milliseconds since the epoch
 */
export function expiredJob(last: KubeObject, nowMs: number): 'succeeded' | 'failed' | undefined {
  const seconds = timeToLive(last);
  if (seconds === undefined) return undefined;
  const ended = mapsAt(last, 'status', 'conditions').find(
    ({ type, status }) => status === 'True' && (type === 'Complete' || type === 'Failed'),
  );
  const endedMs = Date.parse(stringAt(ended, ['lastTransitionTime']));
  if (!(endedMs + seconds * 1000 - clockToleranceMs <= nowMs)) return undefined;
  return ended?.['type'] === 'Complete' ? 'succeeded' : 'failed';
}
