import type { KubeObject } from '@sluice/shared/api';
import { cut, printable } from '@sluice/shared/base';

/** Most characters of what somebody wrote into an annotation. */
export const maxAnnotationText = 500;

/** Returns what somebody wrote into an annotation, cut, and as people can read it; undefined when that is nothing. */
export function annotationText({ metadata }: KubeObject, name: string): string | undefined {
  const text = printable(metadata.annotations?.[name] ?? '').trim();
  return text === '' ? undefined : cut(text, maxAnnotationText);
}
