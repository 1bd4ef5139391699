import { isDeepStrictEqual } from 'node:util';
import type { Artifact, GitRepository } from '@sluice/shared/api';

type Status = NonNullable<GitRepository['status']>;

/** Tells whether what the spec says about the content differs from what the artifact was made with. */
export function contentConfigChanged(
  spec: GitRepository['spec'],
  status: Status,
  includes: Artifact[],
): boolean {
  const included = (status.includedArtifacts ?? []).map(identity);
  return (
    spec.ignore !== status.observedIgnore ||
    Boolean(status.observedRecurseSubmodules) ||
    !isDeepStrictEqual(spec.include ?? [], status.observedInclude ?? []) ||
    !isDeepStrictEqual(spec.sparseCheckout ?? [], status.observedSparseCheckout ?? []) ||
    !isDeepStrictEqual(includes.map(identity), included)
  );
}

function identity(artifact: Artifact): string {
  return `${artifact.revision} ${artifact.digest}`;
}

/** Records with which settings the current artifact was made. */
export function recordContentConfig(
  spec: GitRepository['spec'],
  status: Status,
  includes: Artifact[],
): void {
  assign(status, 'observedIgnore', spec.ignore);
  assign(status, 'observedInclude', spec.include?.length ? spec.include : undefined);
  assign(
    status,
    'observedSparseCheckout',
    spec.sparseCheckout?.length ? spec.sparseCheckout : undefined,
  );
  assign(status, 'includedArtifacts', includes.length > 0 ? includes : undefined);
  delete status.observedRecurseSubmodules;
  delete status.sourceVerificationMode;
}

function assign<K extends keyof Status>(status: Status, key: K, value: Status[K]): void {
  if (value === undefined) delete status[key];
  else status[key] = value;
}
