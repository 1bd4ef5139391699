import { isDeepStrictEqual } from 'node:util';
import type { Artifact, GitRepository } from '@sluice/shared/api';
import { findCondition } from '@sluice/shared/runtime';
import { sourceVerifiedCondition } from '../source/names.ts';
import { verificationMode } from './verification.ts';

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
    Boolean(spec.recurseSubmodules) !== Boolean(status.observedRecurseSubmodules) ||
    mustVerify(spec, status) ||
    !isDeepStrictEqual(spec.include ?? [], status.observedInclude ?? []) ||
    !isDeepStrictEqual(spec.sparseCheckout ?? [], status.observedSparseCheckout ?? []) ||
    !isDeepStrictEqual(includes.map(identity), included)
  );
}

/** A verification that failed since then has to succeed before anything else is said of the artifact. */
function mustVerify(spec: GitRepository['spec'], status: Status): boolean {
  const mode = verificationMode(spec);
  const verified = findCondition(status.conditions ?? [], sourceVerifiedCondition);
  const isVerified = verified?.status === 'True';
  return mode !== status.sourceVerificationMode || (mode !== undefined && !isVerified);
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
  assign(status, 'observedRecurseSubmodules', spec.recurseSubmodules || undefined);
  assign(status, 'sourceVerificationMode', verificationMode(spec));
}

function assign<K extends keyof Status>(status: Status, key: K, value: Status[K]): void {
  if (value === undefined) delete status[key];
  else status[key] = value;
}
