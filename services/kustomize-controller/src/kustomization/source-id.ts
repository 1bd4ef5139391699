import type { Kustomization } from '@sluice/shared/api';
import { type SourceKind, sourceId } from '@sluice/shared/service';

/** Returns what the source of a Kustomization is called. */
export function sourceKeyOf({ spec, metadata }: Kustomization): {
  kind: SourceKind;
  namespace: string;
  name: string;
} {
  const { kind, name, namespace = metadata.namespace ?? '' } = spec.sourceRef;
  return { kind, name, namespace };
}

/** Names the source of a Kustomization, as `GitRepository/namespace/name`. */
export function sourceIdOf(object: Kustomization): string {
  const { kind, ...key } = sourceKeyOf(object);
  return sourceId(kind, key);
}
