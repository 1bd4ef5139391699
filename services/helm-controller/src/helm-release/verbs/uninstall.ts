import { chartOf, releaseOf } from '@sluice/shared/applier';
import { errorMessage } from '@sluice/shared/base';
import { type UninstallOptions, uninstall } from '../../action/uninstall.ts';
import type { Action, ActionEnd, Collected } from '../action.ts';
import { actionContext, type Part } from '../action-context.ts';
import { sayFailure, saySuccess } from '../events.ts';
import type { Run } from '../run.ts';
import { timeoutOf } from '../spec.ts';
import {
  clearFailures,
  clearHistory,
  draftOf,
  latestSnapshot,
  noteRelease,
  releasedCondition,
  setCondition,
} from '../status.ts';
import { collectRemediation } from './collect-remediation.ts';
import { isInHistory } from './collected.ts';
import { endOf, type Verb } from './verb.ts';

const succeeded = 'UninstallSucceeded';
const failed = 'UninstallFailed';

function optionsOf({ object }: Run): UninstallOptions {
  const { uninstall: own } = object.spec;
  return {
    timeoutMs: timeoutOf(object, 'uninstall'),
    disableWait: own?.disableWait ?? false,
    disableHooks: own?.disableHooks ?? false,
    keepHistory: own?.keepHistory ?? false,
    propagation: own?.deletionPropagation ?? 'background',
  };
}

async function perform(run: Run, part: Part, { former }: Action<'uninstall'>): Promise<ActionEnd> {
  const { releaseName: name, storageNamespace } = run;
  const target = former ?? { name, storageNamespace };
  return endOf(part, {}, async () => {
    const ctx = await actionContext(run, part, target.storageNamespace);
    const release = await ctx.storage.last(target.name);
    if (release === undefined) return undefined;
    return uninstall(ctx, { release, options: optionsOf(run) });
  });
}

function collect(run: Run, end: ActionEnd, { former }: Action<'uninstall'>): Promise<Collected> {
  if (former !== undefined) return collectFormer(run, end);
  const { release, error } = end;
  if (release !== undefined && isInHistory(run, release))
    noteRelease(run, release, 'uninstall-remediation');
  if (error === undefined) delete draftOf(run).inventory;
  return collectRemediation(run, end, { action: 'uninstall', succeeded, failed });
}

/** Notes that the release which was made last is uninstalled, or why it is not. */
async function collectFormer(run: Run, { release, error }: ActionEnd): Promise<Collected> {
  const status = draftOf(run);
  const snapshot = latestSnapshot(run);
  const shown = snapshot && `${releaseOf(snapshot)} with chart ${chartOf(snapshot)}`;
  if (release !== undefined && snapshot?.version === release.version)
    noteRelease(run, release, 'uninstall');
  // Helm counts a release as uninstalled although something after the deletion failed.
  const isGone = error === undefined || release?.info.status === 'uninstalled';
  if (!isGone) {
    const message = `Helm uninstall of ${shown} failed: ${errorMessage(error)}`;
    status.failures = (status.failures ?? 0) + 1;
    setCondition(run, releasedCondition, { status: 'False', reason: failed, message });
    return { error, reason: failed, message };
  }
  const message = `Helm uninstall of ${shown} succeeded`;
  setCondition(run, releasedCondition, { status: 'False', reason: succeeded, message });
  if (snapshot !== undefined) {
    await saySuccess(run, { reason: succeeded, message, about: snapshot });
    if (error !== undefined)
      await sayFailure(run, { reason: failed, message: errorMessage(error), about: snapshot });
  }
  clearHistory(run);
  clearFailures(run);
  delete status.inventory;
  delete status.storageNamespace;
  run.state.held.keepOnly([]);
  run.deps.clusters.forget(run.ctx.key);
  return { reason: succeeded, message };
}

/** Removes a release: as a remediation, or because it is no longer wanted. */
export const uninstallVerb: Verb<'uninstall'> = {
  role: ({ former }) => (former === undefined ? 'remediate' : 'former'),
  timeoutMs: ({ object }) => timeoutOf(object, 'uninstall'),
  perform,
  collect,
};
