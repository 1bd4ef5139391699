import { alertKind } from './alert.ts';
import { approvalKind } from './approval.ts';
import { artifactGeneratorKind } from './artifact-generator.ts';
import { bucketKind } from './bucket.ts';
import { externalArtifactKind } from './external-artifact.ts';
import { gitRepositoryKind } from './git-repository.ts';
import { helmChartKind } from './helm-chart.ts';
import { helmReleaseKind } from './helm-release.ts';
import { helmRepositoryKind } from './helm-repository.ts';
import type { KindDefinition } from './kind.ts';
import { kustomizationKind } from './kustomization.ts';
import { ociRepositoryKind } from './oci-repository.ts';
import { planKind } from './plan.ts';
import { providerKind } from './provider.ts';
import { receiverKind } from './receiver.ts';
import { snapshotKind } from './snapshot.ts';
import { windowKind } from './window.ts';

/** Every kind of the API. */
export const allKinds: readonly KindDefinition[] = [
  gitRepositoryKind,
  ociRepositoryKind,
  helmRepositoryKind,
  helmChartKind,
  bucketKind,
  externalArtifactKind,
  artifactGeneratorKind,
  kustomizationKind,
  helmReleaseKind,
  providerKind,
  alertKind,
  receiverKind,
  approvalKind,
  planKind,
  snapshotKind,
  windowKind,
];
