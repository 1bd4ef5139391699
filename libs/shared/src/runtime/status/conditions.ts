import {
  artifactGeneratorKind,
  type Condition,
  disabledValue,
  generatorReconcileAnnotation,
  type KubeObject,
} from '@sluice/shared/api';
import { printable } from '@sluice/shared/base';

/** Condition types that every kind shares. */
export const readyCondition = 'Ready';
export const reconcilingCondition = 'Reconciling';
export const stalledCondition = 'Stalled';

/** Reasons that every kind shares. */
export const progressingReason = 'Progressing';
export const progressingWithRetryReason = 'ProgressingWithRetry';

/** Lengths the API accepts. */
const maxMessageLength = 32_768;

/** A condition as a writer gives it; times and generation are filled in. */
export type ConditionInput = Pick<Condition, 'type' | 'status' | 'reason' | 'message'>;

/** Returns the time as the API writes it, in seconds. `ms` is in milliseconds since the epoch. */
export function apiTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

/** Returns the conditions of any object, none when it has no status. */
export function conditionsOf(object: KubeObject): Condition[] {
  const status = (object as { status?: { conditions?: Condition[] } }).status;
  return status?.conditions ?? [];
}

/** Returns the condition of a type. */
export function findCondition(
  conditions: readonly Condition[],
  type: string,
): Condition | undefined {
  return conditions.find((c) => c.type === type);
}

/**
 * Adds or replaces a condition. The transition time is kept while the status stays what it was in
 * `persisted`, so that setting a condition forth and back between two writes leaves no trace.
 */
export function withCondition(
  conditions: readonly Condition[],
  input: ConditionInput,
  context: { persisted: readonly Condition[]; generation: number; nowMs: number },
): Condition[] {
  const before = findCondition(context.persisted, input.type);
  const condition: Condition = {
    type: input.type,
    status: input.status,
    reason: input.reason,
    message: messageText(input.message, maxMessageLength),
    lastTransitionTime:
      before?.status === input.status ? before.lastTransitionTime : apiTime(context.nowMs),
    observedGeneration: context.generation,
  };
  const at = conditions.findIndex((c) => c.type === input.type);
  return at < 0 ? [...conditions, condition] : conditions.with(at, condition);
}

/** Removes the condition of a type. */
export function withoutCondition(conditions: readonly Condition[], type: string): Condition[] {
  return conditions.filter((c) => c.type !== type);
}

/** Makes the message of a condition or an event: without what cannot be shown, and cut to `length` characters. */
export function messageText(text: string, length: number): string {
  const message = printable(text);
  return message.length <= length ? message : `${message.slice(0, length - 4)} ...`;
}

/** Says whether an object is Ready for the spec it has now. */
export function isReady(object: KubeObject): boolean {
  const status = (object as { status?: { observedGeneration?: number } }).status;
  return (
    findCondition(conditionsOf(object), readyCondition)?.status === 'True' &&
    (object.metadata.generation === undefined ||
      status?.observedGeneration === object.metadata.generation)
  );
}

/** Says whether an object is suspended: by `spec.suspend`, or by an annotation where a kind has no such field. */
export function isSuspended(object: KubeObject): boolean {
  if (object.kind === artifactGeneratorKind.kind) {
    const value = object.metadata.annotations?.[generatorReconcileAnnotation];
    return value?.toLowerCase() === disabledValue;
  }
  return (object as { spec?: { suspend?: boolean } }).spec?.suspend === true;
}
