import { cut } from '@sluice/shared/base';
import { type JsonMap, mapsAt, stringAt } from '../object/object-fields.ts';

/** Longest message of somebody else that one of ours repeats, in characters. */
const maxMessage = 400;

/** State of an object on its way to what its spec asks for. */
export type HealthStatus =
  | 'Current'
  | 'InProgress'
  | 'Failed'
  | 'Terminating'
  | 'NotFound'
  | 'Unknown';

/** The state of an object, and why, for people. */
export interface Health {
  status: HealthStatus;
  message: string;
  /** Whether the same state of the object may be judged otherwise later, as there was too little to spend on it. */
  isTentative?: boolean;
}

/** The object is as its spec asks. */
export function current(message: string): Health {
  return { status: 'Current', message };
}

/** The object is on its way. */
export function inProgress(message: string): Health {
  return { status: 'InProgress', message };
}

/** The object will not get there without help. */
export function failed(message: string): Health {
  return { status: 'Failed', message };
}

/** Whether a condition has status True. */
export function isTrue(condition: JsonMap | undefined): boolean {
  return condition?.['status'] === 'True';
}

/** Returns the condition of a type in `status.conditions`. */
export function conditionOf(object: unknown, type: string): JsonMap | undefined {
  return mapsAt(object, 'status', 'conditions').find((condition) => condition['type'] === type);
}

/** Returns a message of somebody else as it suits one of ours: on one line, and not too long. */
export function quoted(message: string): string {
  return cut(message.replace(/\s+/g, ' ').trim(), maxMessage);
}

/** Says what a condition is, since when and why, as far as it tells. */
export function describeCondition(condition: JsonMap): string {
  const [since, reason, message] = ['lastTransitionTime', 'reason', 'message'].map((field) =>
    quoted(stringAt(condition, [field])),
  );
  return [
    `${quoted(stringAt(condition, ['type']))} is ${quoted(stringAt(condition, ['status']))}`,
    since && ` since ${since}`,
    reason && ` (${reason})`,
    message && `: ${message}`,
  ].join('');
}
