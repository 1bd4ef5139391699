import {
  type KubeObject,
  overrideByAnnotation,
  overridePlanAnnotation,
  overrideReasonAnnotation,
} from '@sluice/shared/api';
import { annotationText } from './annotation-text.ts';

/** That somebody lets a plan pass in spite of all. */
export interface Override {
  reason: string;
  by: string | undefined;
}

/** Returns the override of a plan by annotations of its object; one without a reason is none. */
export function overrideOf(object: KubeObject, planDigest: string): Override | undefined {
  if (object.metadata.annotations?.[overridePlanAnnotation] !== planDigest) return undefined;
  const reason = annotationText(object, overrideReasonAnnotation);
  if (reason === undefined) return undefined;
  return { reason, by: annotationText(object, overrideByAnnotation) };
}
