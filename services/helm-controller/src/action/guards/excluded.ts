import { type DeletionGuard, isExcluded } from '@sluice/shared/engine';

/** Keeps what the manifest itself excludes from being applied: it is not the release's, whoever has made it. */
export function excludedGuard(annotationPrefix: string): DeletionGuard {
  return {
    name: 'excluded',
    beforehand: ({ object }) =>
      isExcluded(object, annotationPrefix)
        ? 'its manifest excludes it from being applied'
        : undefined,
  };
}
