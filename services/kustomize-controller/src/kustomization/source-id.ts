import type { Kustomization } from '@sluice/shared/api';
import { sourceId } from '@sluice/shared/service';

/** Names the source of a Kustomization, as `GitRepository/namespace/name`. */
export function sourceIdOf(object: Kustomization): string {
  const { kind, name, namespace = object.metadata.namespace } = object.spec.sourceRef;
  return sourceId(kind, { name, namespace });
}
