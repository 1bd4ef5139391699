import {
  type AuditEntry,
  type AuditedAction,
  auditEntry,
  auditedAction,
  auditedChanges,
  auditedDrift,
  auditedObject,
} from '@sluice/shared/applier';
import { originFacts } from '@sluice/shared/artifact';
import {
  type AppliedChange,
  appliedChanges,
  type Drift,
  formatObjectId,
  hasChanged,
  type InventoryEntry,
  objectIdOf,
  parseObjectId,
} from '@sluice/shared/engine';
import type { Build, Run } from './run.ts';
import { succeededReason } from './status.ts';

/** Returns what was last applied with success, by which actions with the same input are told apart. */
export function lastSuccess({ object }: Run) {
  return object.status?.history?.find((entry) => entry.lastReconciledStatus === succeededReason);
}

/** What all records of a run say. */
function entryOf(
  { object, source }: Run,
  action: AuditEntry['action'],
  occasion: AuditEntry['occasion'],
) {
  const revision = source?.revision ?? object.status?.lastAppliedRevision;
  const facts = originFacts(source?.artifact);
  return auditEntry({ object, revision, facts }, action, occasion);
}

/** Tells the audit trail of an apply. */
export function auditedApply(run: Run, build: Build): AuditedAction {
  const { object, source } = run;
  const { digest, lastReconciled } = lastSuccess(run) ?? {};
  // It was let through in this very reconcile.
  const { change } = run.ctx.status.status;
  const before = change === undefined ? digest : object.status?.change?.digest;
  const occasion = [
    source?.revision,
    object.metadata.generation,
    build.digest,
    digest,
    lastReconciled,
  ];
  return auditedAction(run.deps.audit, () => ({
    ...entryOf(run, 'apply', occasion),
    what: {
      ...(before && { before }),
      after: change?.digest ?? build.digest,
      ...(change?.plan && { plan: change.plan }),
      objects: build.objects.map((each) => auditedObject(objectIdOf(each), 'apply')),
    },
  }));
}

/** What an apply has changed, as a record tells it. */
export function whatApplied(run: Run, changes: readonly AppliedChange[]) {
  const { identity } = run.deps.settings;
  const count = changes.filter(hasChanged).length;
  const { objects = [] } = auditedChanges(appliedChanges(changes, identity), run.masker);
  return { count, objects, ...(count > objects.length && { omitted: count - objects.length }) };
}

/** Tells the audit trail of a deletion of what is no longer wanted. */
export function auditedPrune(run: Run, entries: readonly InventoryEntry[]): AuditedAction {
  const ids = entries.map(({ id }) => id);
  const { lastReconciled } = lastSuccess(run) ?? {};
  const { generation } = run.object.metadata;
  const occasion = [run.source?.revision, generation, lastReconciled, ...ids];
  return auditedAction(run.deps.audit, () => ({
    ...entryOf(run, 'prune', occasion),
    what: { objects: ids.map((id) => auditedObject(parseObjectId(id), 'delete')) },
  }));
}

/** Records that an object is about to be corrected. */
export async function recordCorrection(
  run: Run,
  drift: Drift,
  version: string | undefined,
): Promise<void> {
  const id = formatObjectId(drift.id);
  // One that is deleted again and again has another version each time it was there.
  const known = version ?? run.state.applied?.objects.get(id)?.resourceVersion;
  await run.deps.audit.record({
    ...entryOf(run, 'drift-correction', [id, known, String(drift.deleted)]),
    phase: 'begins',
    what: { objects: [auditedDrift(drift, run.masker)] },
  });
}
