import type { AuditAction, AuditedChange } from '@sluice/shared/api';
import {
  type AuditEntry,
  type AuditedAction,
  auditEntry,
  auditedAction,
  auditedDrift,
  auditedObject,
} from '@sluice/shared/applier';
import { type Drift, formatObjectId, parseObjectId } from '@sluice/shared/engine';
import type { Action, ActionEnd, ActionType } from './action.ts';
import type { Run } from './run.ts';
import { draftOf, latestSnapshot } from './status.ts';

/** Of the types of actions, those that change what a release is. */
const recorded: Partial<Record<ActionType, AuditAction>> = {
  install: 'install',
  upgrade: 'upgrade',
  rollback: 'rollback',
  uninstall: 'uninstall',
};

/** What all records of a run say. */
function entryOf(
  { object, desired, artifact }: Run,
  action: AuditAction,
  occasion: AuditEntry['occasion'],
) {
  const revision = desired?.chart.metadata.version ?? artifact?.revision;
  return auditEntry({ object, revision, facts: desired?.origin }, action, occasion);
}

/** Tells the audit trail of an action; undefined of one that changes nothing, such as a test. */
export function auditedRelease(
  run: Run,
  action: Action,
  fingerprint: string,
): AuditedAction | undefined {
  const type = recorded[action.type];
  if (type === undefined) return undefined;
  const { digest, lastDeployed, version } = latestSnapshot(run) ?? {};
  // It was let through in this very reconcile.
  const { change } = draftOf(run);
  const made = [run.last?.version, version, digest, lastDeployed];
  const occasion = [run.storageNamespace, run.releaseName, fingerprint, ...made];
  const what = {
    ...(change?.digest && { after: change.digest }),
    ...(digest && { before: digest }),
    ...(change?.plan && { plan: change.plan }),
  };
  return auditedAction(run.deps.audit, () => ({ ...entryOf(run, type, occasion), what }));
}

/** What an action has come to, as a record tells it: what an upgrade changed, or what the release consists of. */
export function whatReleased({ changes, inventory }: ActionEnd): AuditedChange {
  if (changes !== undefined) return changes.objects;
  return { objects: (inventory ?? []).map(({ id }) => auditedObject(parseObjectId(id), 'apply')) };
}

/** Records that an object is about to be corrected. */
export async function recordCorrection(
  run: Run,
  drift: Drift,
  version: string | undefined,
): Promise<void> {
  const id = formatObjectId(drift.id);
  // One that is gone has no version that would tell this time from the next.
  const at = version ?? new Date(run.ctx.clock.now()).toISOString();
  await run.deps.audit.record({
    ...entryOf(run, 'drift-correction', [id, at, String(drift.deleted)]),
    phase: 'begins',
    what: { objects: [auditedDrift(drift, run.masker)] },
  });
}
