import type { FluxEvent, KubeObject } from '@sluice/shared/api';
import { conditionsOf, findCondition, isReady, readyCondition } from '@sluice/shared/runtime';
import { testFailedReason, unsaidReasons } from './recovery.ts';

/** An object about which alerts have told failures, by the notes of all of them. */
export interface FailedObject {
  /** As the newest failure names it. */
  object: FluxEvent['involvedObject'];
  failures: readonly ToldFailure[];
}

/** A failure, with times in milliseconds since the epoch. */
export interface ToldFailure {
  reason: string;
  /** When its newest event was taken in. */
  at: number;
  /** When that event was made, by what it says itself. */
  saidAt: number;
}

/** The end of failures that no event tells of. */
export interface UnsaidEnd {
  event: FluxEvent;
  /** It ends what was taken in until then, in milliseconds since the epoch. */
  at: number;
}

const testCondition = 'TestSuccess';

/**
 * What has become of failures by the state of their object: they are over when it is gone, and when it became Ready
 * after them. Undefined when none is.
 *
 * @param present the object; undefined when there is none
 * @param nowMs a time before it was read
 */
export function unsaidEnd(
  { object, failures }: FailedObject,
  present: KubeObject | undefined,
  nowMs: number,
): UnsaidEnd | undefined {
  const eventOf = (reason: string, message: string): FluxEvent => ({
    involvedObject: object,
    severity: 'info',
    timestamp: new Date(nowMs).toISOString(),
    message,
    reason,
    reportingController: 'notification-controller',
  });
  const isAnother = object.uid !== undefined && present?.metadata.uid !== object.uid;
  if (present === undefined || isAnother) {
    return { event: eventOf(unsaidReasons.deleted, 'The object was deleted'), at: nowMs };
  }
  const ready = findCondition(conditionsOf(present), readyCondition);
  if (ready === undefined || !isReady(present)) return undefined;
  const isUntested = findCondition(conditionsOf(present), testCondition)?.status === 'False';
  const ending = failures.filter(({ reason }) => !isUntested || reason !== testFailedReason);
  // Conditions know seconds. What was said while the object was Ready is over when somebody says so.
  const later = ending.filter(
    ({ saidAt }) => inSeconds(saidAt) > inSeconds(Date.parse(ready.lastTransitionTime)),
  );
  const at = Math.min(nowMs, ...later.map((failure) => failure.at - 1));
  if (!ending.some((failure) => failure.at <= at)) return undefined;
  const reason = isUntested ? unsaidReasons.untested : unsaidReasons.ready;
  return { event: eventOf(reason, ready.message), at };
}

function inSeconds(ms: number): number {
  return Math.floor(ms / 1000);
}
