import {
  forceRequestAnnotation,
  type KubeObject,
  overridePlanAnnotation,
  overrideReasonAnnotation,
  reconcileRequestAnnotation,
  resetRequestAnnotation,
  rollbackRequestAnnotation,
} from '@sluice/shared/api';
import type { InformerEvent } from '@sluice/shared/kube';
import type { Priority } from './reconciler.ts';
import { isSuspended } from './status/conditions.ts';
import { saysOtherSuspension } from './suspension.ts';

const requestAnnotations = [
  reconcileRequestAnnotation,
  forceRequestAnnotation,
  resetRequestAnnotation,
  overridePlanAnnotation,
  overrideReasonAnnotation,
  rollbackRequestAnnotation,
];

interface WithStatus extends KubeObject {
  status?: { observedGeneration?: number; lastHandledReconcileAt?: string };
}

/**
 * Says whether an informer's event is a reason to reconcile the object, and how urgent it is.
 * Changes of the status, of labels and of other metadata are none; an object that enters the shard by its
 * labels is `added` to the informer and therefore one.
 */
export function reasonToReconcile(event: InformerEvent<KubeObject>): Priority | undefined {
  const { object, previous } = event;
  if (event.type === 'deleted') return undefined;
  if (event.type === 'added' || !previous) return whenFirstSeen(object);
  if (requestAnnotations.some((name) => requested(object, name, previous))) return 'request';
  if (object.metadata.uid !== previous.metadata.uid) return 'change';
  if (object.metadata.generation !== previous.metadata.generation) return 'change';
  if (object.metadata.deletionTimestamp !== previous.metadata.deletionTimestamp) return 'change';
  // An annotation that suspends is no part of the spec.
  if (isSuspended(previous) && !isSuspended(object)) return 'change';
  if (isSuspended(object) && saysOtherSuspension(object, previous)) return 'change';
  return undefined;
}

/** After a restart, what people wait for comes before what was reconciled already. */
function whenFirstSeen(object: WithStatus): Priority {
  const request = object.metadata.annotations?.[reconcileRequestAnnotation];
  if (request !== undefined && request !== object.status?.lastHandledReconcileAt) return 'request';
  const current = object.status?.observedGeneration === object.metadata.generation;
  return current && !object.metadata.deletionTimestamp ? 'sync' : 'change';
}

function requested(object: KubeObject, annotation: string, previous: KubeObject): boolean {
  const value = object.metadata.annotations?.[annotation];
  return value !== undefined && value !== previous.metadata.annotations?.[annotation];
}
