import type { KubeObject, Kustomization } from '@sluice/shared/api';
import { displayName } from '@sluice/shared/engine';

/** Objects, and what people should know of them. */
export interface TextMetadata {
  objects: KubeObject[];
  warnings: string[];
}

type Field = 'labels' | 'annotations';

/** Returns the first key of a map whose value is neither a text nor null. */
function oddKeyOf(map: unknown): string | undefined {
  if (typeof map !== 'object' || map === null) return undefined;
  return Object.entries(map).find(([, value]) => typeof value !== 'string' && value !== null)?.[0];
}

/**
 * Returns objects without labels of which one is a number or a truth value, as Flux applies them: where it adds labels of
 * its own, it keeps only a map that holds nothing but texts. So it is with annotations when spec.commonMetadata adds some.
 */
export function withTextMetadata(
  objects: readonly KubeObject[],
  owner: Kustomization,
): TextMetadata {
  const fields: Field[] = owner.spec.commonMetadata?.annotations
    ? ['labels', 'annotations']
    : ['labels'];
  const warnings: string[] = [];
  const kept = objects.map((object) => {
    const odd = fields.flatMap((field) => {
      const key = oddKeyOf(object.metadata[field]);
      return key === undefined ? [] : [{ field, key }];
    });
    if (odd.length === 0) return object;
    const metadata = { ...object.metadata };
    for (const { field, key } of odd) {
      delete metadata[field];
      warnings.push(
        `${displayName(object)}: metadata.${field} are left out because the value of '${key}' is not a text; put quotes around it`,
      );
    }
    return { ...object, metadata };
  });
  return { objects: kept, warnings };
}
