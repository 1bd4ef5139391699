import {
  type Admission,
  noteAdmission,
  tellAdmission,
  withoutRefusal,
} from '@sluice/shared/applier';
import { StalledError } from '@sluice/shared/base';
import { type Outcome, readyCondition } from '@sluice/shared/runtime';
import { whyOutOfSync } from '../observe.ts';
import { desiredOf, type Run } from '../run.ts';
import type { RunningAction } from '../state.ts';
import { draftOf, isTrue } from '../status.ts';
import { verbOf } from '../verbs/verbs.ts';
import { healHeld, hold, holdingOf } from './hold.ts';
import { ReleaseProposal, type ReleaseStep } from './propose-release.ts';
import { releaseChangeDigest } from './release-change.ts';

/**
 * Refuses what Helm's remediation does.
 *
 * @throws StalledError InvalidSpec when spec.changePolicy asks for a rollback
 */
export function refuseLastHealthy({ object }: Run): void {
  if (object.spec.changePolicy?.rollback !== 'LastHealthy') return;
  throw new StalledError(
    'InvalidSpec',
    'spec.changePolicy.rollback: LastHealthy is for Kustomizations; a HelmRelease goes back by spec.upgrade.remediation, set its retries, or strategy: rollback',
  );
}

/** Whether the release in the cluster was made of what is desired now. */
function isMadeOfThis(run: Run, { former }: ReleaseStep): boolean {
  return (
    former === undefined && run.last !== undefined && whyOutOfSync(run, run.last) === undefined
  );
}

function judge(run: Run, step: ReleaseStep): Promise<Admission> {
  const { deps, object, ctx } = run;
  const status = draftOf(run);
  const proposal = new ReleaseProposal(run, step);
  const digest = releaseChangeDigest(run);
  const isKnown = isMadeOfThis(run, step);
  // An action of this very reconcile may have been let through already.
  const present = { ...object, status };
  const change = {
    digest,
    revision: desiredOf(run).chart.metadata.version,
    isKnown,
    isComplete: isKnown && run.last?.info.status === 'deployed',
    managed: status.inventory?.entries.length ?? 0,
    deletions: proposal.deletions,
    plan: async () => {
      // What drift is corrected meanwhile is no part of what the change does.
      await healHeld(run, step);
      return proposal.plan(digest);
    },
  };
  return deps.changes.judge(present, change, { isDrift: ctx.priority === 'drift' });
}

/**
 * Stands before the first write of everything that releases something new.
 *
 * @returns the outcome of the reconcile when the change waits; undefined when it may go on
 * @throws what rendering and comparing with the cluster throw
 */
export async function passGate(run: Run, step: ReleaseStep): Promise<Outcome | undefined> {
  const admission = await judge(run, step);
  if (admission.type === 'held') return hold(run, step, admission);
  const holding = holdingOf(run);
  const before = draftOf(run).change;
  await noteAdmission(holding, admission);
  if (admission.type === 'free') return undefined;
  const { digest, plan, revision } = admission.change;
  // Before anything of it is done, so that a restart goes on with it.
  if (before?.digest !== digest || before?.plan !== plan) await run.ctx.status.patch();
  await tellAdmission(holding, admission, `Releasing plan ${plan} of chart version ${revision}`);
  return undefined;
}

/**
 * Whether an action that was let through goes on although something newer is desired: what is newer may have to wait, and
 * half of a change must not.
 */
export function endsFirst(run: Run, { action }: RunningAction): boolean {
  const { object, deps } = run;
  const role = verbOf(action).role(action);
  if (role === 'undo') return true;
  if (draftOf(run).change === undefined || (role !== 'release' && role !== 'former')) return false;
  const { mode = 'Automatic' } = object.spec.changePolicy ?? {};
  return mode !== 'Automatic' || !deps.changes.windowOf(object).open;
}

/** Notes that what was let through last has become ready; what was gone back from may be tried again then. */
export function noteHealthy(run: Run): void {
  const status = draftOf(run);
  if (status.change === undefined || !isTrue(run, readyCondition)) return;
  const change = withoutRefusal(status.change);
  status.change = change;
  if (change.digest !== releaseChangeDigest(run)) return;
  change.healthy = change.digest;
  change.healthyRevision = change.revision;
}
