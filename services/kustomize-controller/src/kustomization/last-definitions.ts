import type { KubeObject } from '@sluice/shared/api';
import { displayName, formatObjectId, objectIdOf } from '@sluice/shared/engine';

/**
 * Returns objects without those that are defined again later, in another version of their group for instance, and
 * warnings that name them. Flux applies one after the other, so that the last one stays, and does so each time anew.
 */
export function lastDefinitions(objects: readonly KubeObject[]): {
  objects: KubeObject[];
  warnings: string[];
} {
  const last = new Map(objects.map((object) => [formatObjectId(objectIdOf(object)), object]));
  if (last.size === objects.length) return { objects: [...objects], warnings: [] };
  const isLast = (object: KubeObject) => last.get(formatObjectId(objectIdOf(object))) === object;
  const warnings = objects
    .filter((object) => !isLast(object))
    .map(
      (object) =>
        `${displayName(object)} is defined more than once, and the last definition counts; remove that of ${object.apiVersion}`,
    );
  return { objects: objects.filter(isLast), warnings };
}
