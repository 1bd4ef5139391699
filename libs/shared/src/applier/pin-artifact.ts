import type { Artifact, KustomizationStatus } from '@sluice/shared/api';

type Pin = NonNullable<KustomizationStatus['pinnedArtifacts']>[number];

/** What an applier notes of the artifact that it has applied with success. */
export function pinOf(
  sourceRef: Pin['sourceRef'],
  { path, digest }: Pick<Artifact, 'path' | 'digest'>,
): Pin {
  const { kind, name, namespace } = sourceRef;
  return { sourceRef: { kind, name, namespace }, path, digest };
}
