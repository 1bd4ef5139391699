import {
  forceRequestAnnotation,
  reconcileRequestAnnotation,
  resetRequestAnnotation,
} from '@sluice/shared/api';
import { rollbackRequestOf } from '@sluice/shared/applier';
import type { Run } from './run.ts';
import { clearFailures, draftOf } from './status.ts';

type HandledField = 'lastHandledForceAt' | 'lastHandledResetAt';

/** Whether somebody has asked for a reconcile, or a rollback, since the last one. */
export function isAsked(run: Run): boolean {
  if (rollbackRequestOf({ ...run.object, status: draftOf(run) }) !== undefined) return true;
  const request = run.object.metadata.annotations?.[reconcileRequestAnnotation];
  return request !== undefined && request !== draftOf(run).lastHandledReconcileAt;
}

/** Whether a request by annotation is new; it counts only together with an equal reconcile request, and once. */
function isRequested(run: Run, annotation: string, handled: HandledField): boolean {
  const annotations = run.object.metadata.annotations ?? {};
  const status = draftOf(run);
  const request = annotations[annotation];
  if (request === undefined || request === status[handled]) return false;
  status[handled] = request;
  return annotations[reconcileRequestAnnotation] === request;
}

/** Acts on the annotations by which people ask for a forced release and for a fresh start. */
export function handleRequests(run: Run): void {
  if (isRequested(run, resetRequestAnnotation, 'lastHandledResetAt')) clearFailures(run);
  run.forced = isRequested(run, forceRequestAnnotation, 'lastHandledForceAt');
}
