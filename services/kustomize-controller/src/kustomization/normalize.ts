import type { KubeObject } from '@sluice/shared/api';
import { gvkOf } from '@sluice/shared/kube';

/** Metadata that the API server fills in, and that exported objects bring along. */
const serverMetadata = [
  'creationTimestamp',
  'deletionGracePeriodSeconds',
  'deletionTimestamp',
  'generation',
  'managedFields',
  'resourceVersion',
  'selfLink',
  'uid',
];

/** Returns objects without their status, but for that of definitions, and without what only the API server sets. */
export function normalizeObjects(objects: readonly KubeObject[]): KubeObject[] {
  return objects.map((object) => {
    const { metadata, status, ...rest } = object as KubeObject & { status?: unknown };
    const own = Object.entries(metadata).filter(([name]) => !serverMetadata.includes(name));
    const { kind, group } = gvkOf(object);
    const isDefinition = kind === 'CustomResourceDefinition' && group === 'apiextensions.k8s.io';
    const kept = isDefinition && status !== undefined ? { status } : {};
    return { ...rest, metadata: Object.fromEntries(own) as KubeObject['metadata'], ...kept };
  });
}
