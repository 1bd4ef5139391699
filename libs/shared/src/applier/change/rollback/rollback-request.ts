import {
  type KubeObject,
  type KustomizationStatus,
  rollbackByAnnotation,
  rollbackFromAnnotation,
  rollbackReasonAnnotation,
  rollbackRequestAnnotation,
} from '@sluice/shared/api';
import { annotationText } from '../annotation-text.ts';

/** That somebody asks for what was healthy before. */
export interface RollbackRequest {
  /** What tells it from the next. */
  requestedAt: string;
  /** What is to be undone, as the annotation names it; what has taken its place meanwhile is not. */
  from: string | undefined;
  by: string | undefined;
  reason: string | undefined;
}

/** An object that may be asked to go back. */
export interface MayGoBack extends KubeObject {
  spec: { changePolicy?: { mode?: string } };
  status?: { rollback?: KustomizationStatus['rollback'] };
}

/** Returns the request that the annotations of an object make; undefined when it was acted upon, or there is none. */
export function rollbackRequestOf(object: MayGoBack): RollbackRequest | undefined {
  const requestedAt = annotationText(object, rollbackRequestAnnotation);
  if (requestedAt === undefined || requestedAt === object.status?.rollback?.requestedAt)
    return undefined;
  return {
    requestedAt,
    from: annotationText(object, rollbackFromAnnotation),
    by: annotationText(object, rollbackByAnnotation),
    reason: annotationText(object, rollbackReasonAnnotation),
  };
}

/**
 * Returns what is wrong with a request, whatever there is to go back to; undefined when nothing is.
 *
 * @param present what would be undone now, as {@link RollbackRequest.from} names it
 */
export function whyNoRequest(
  { spec }: MayGoBack,
  { from, reason }: RollbackRequest,
  present: string | undefined,
): string | undefined {
  if (reason === undefined)
    return `it has no reason: set the annotation ${rollbackReasonAnnotation}`;
  if (from === undefined || from !== present)
    return `it is to undo ${from ?? 'nothing'}, and ${present ?? 'nothing'} is applied by now: look again`;
  if (spec.changePolicy?.mode === 'Plan')
    return 'spec.changePolicy.mode is Plan, so that nothing is applied';
  return undefined;
}
