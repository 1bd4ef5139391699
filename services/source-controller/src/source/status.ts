import type { Artifact } from '@sluice/shared/api';
import { errorMessage, ReconcileError, RetryableError } from '@sluice/shared/base';
import { ObjectGoneError } from '@sluice/shared/runtime';
import {
  artifactInStorageCondition,
  artifactOutdatedCondition,
  type FailureCondition,
  failureConditions,
  newChartReason,
  newRevisionReason,
  sourceVerifiedCondition,
  storageFailedReason,
  succeededReason,
} from './names.ts';
import type { SourceContext } from './source.ts';

type Draft = SourceContext['status'];

/** Reason under which an unexpected error of a phase is reported. */
const defaultReasons: Record<FailureCondition, string> = {
  BuildFailed: 'ChartPackageError',
  FetchFailed: 'FetchOperationFailed',
  IncludeUnavailable: 'IncludeUnavailable',
  StorageOperationFailed: storageFailedReason,
};

/**
 * Runs one phase of a reconcile. When it fails, the condition of the phase says so, besides Ready.
 *
 * @throws ReconcileError as the phase did; anything else it threw becomes a RetryableError
 */
export async function phase<R>(
  draft: Draft,
  condition: FailureCondition,
  run: () => Promise<R>,
): Promise<R> {
  try {
    const result = await run();
    draft.removeCondition(condition);
    return result;
  } catch (thrown) {
    if (thrown instanceof ObjectGoneError) throw thrown;
    const error =
      thrown instanceof ReconcileError
        ? thrown
        : new RetryableError(defaultReasons[condition], errorMessage(thrown), { cause: thrown });
    draft.setCondition({
      type: condition,
      status: 'True',
      reason: error.reason,
      message: error.message,
    });
    throw error;
  }
}

/**
 * Says that a verification which was asked for did not succeed.
 *
 * @throws the error that says why
 */
export function failVerification(draft: Draft, error: ReconcileError): never {
  const { reason, message } = error;
  draft.setCondition({ type: sourceVerifiedCondition, status: 'False', reason, message });
  throw error;
}

/** Says what was verified of what is stored; undefined when nothing was asked for. */
export function noteVerified(draft: Draft, message: string | undefined): void {
  if (message === undefined) draft.removeCondition(sourceVerifiedCondition);
  else {
    const condition = { type: sourceVerifiedCondition, reason: succeededReason, message };
    draft.setCondition({ ...condition, status: 'True' });
  }
}

/** Says that the source has a revision which is not stored yet. */
export function markOutdated(draft: Draft, message: string): void {
  if (draft.status.artifact === undefined) return;
  const reason = draft.observed.kind === 'HelmChart' ? newChartReason : newRevisionReason;
  const condition = { type: artifactOutdatedCondition, reason, message };
  draft.setCondition({ ...condition, status: 'True' });
}

/** Says that the artifact which the status named is gone. */
export function markMissing(draft: Draft): void {
  delete draft.status.artifact;
  draft.removeCondition(artifactInStorageCondition);
}

/** What conditions say of a stored artifact. */
export interface StoredNote {
  reason: string;
  message: string;
}

/**
 * Says that the current revision is stored and the object is ready.
 *
 * @param note says it in other words
 */
export function markStored(draft: Draft, artifact: Artifact, note?: StoredNote): void {
  draft.status.artifact = artifact;
  for (const type of [...failureConditions, artifactOutdatedCondition]) {
    draft.removeCondition(type);
  }
  const { reason, message } = note ?? {
    reason: succeededReason,
    message: `stored artifact for revision '${artifact.revision}'`,
  };
  draft.setCondition({ type: artifactInStorageCondition, status: 'True', reason, message });
  draft.ready(reason, message);
}

/** Tells whether the object had failed before. */
export function hadFailed(draft: Draft): boolean {
  const before = draft.observed.status?.conditions ?? [];
  return before.some(
    (c) => c.status === 'True' && (failureConditions as readonly string[]).includes(c.type),
  );
}
