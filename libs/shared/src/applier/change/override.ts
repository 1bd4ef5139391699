import {
  type KubeObject,
  overrideByAnnotation,
  overridePlanAnnotation,
  overrideReasonAnnotation,
} from '@sluice/shared/api';

/** Most characters of what somebody wrote into an annotation. */
const maxText = 500;

/** That somebody lets a plan pass in spite of all. */
export interface Override {
  reason: string;
  by: string | undefined;
}

/** Returns the override of a plan by annotations of its object; one without a reason is none. */
export function overrideOf({ metadata }: KubeObject, planDigest: string): Override | undefined {
  const { annotations = {} } = metadata;
  if (annotations[overridePlanAnnotation] !== planDigest) return undefined;
  const reason = (annotations[overrideReasonAnnotation] ?? '').trim().slice(0, maxText);
  if (reason === '') return undefined;
  return { reason, by: annotations[overrideByAnnotation]?.trim().slice(0, maxText) };
}
