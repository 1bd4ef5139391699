import { ActionError } from '../../action/context.ts';
import { type RollbackOptions, rollback } from '../../action/rollback.ts';
import type { Release } from '../../release/release.ts';
import type { ReleaseStorage } from '../../release/storage.ts';
import type { Action, ActionEnd, Collected } from '../action.ts';
import { actionContext, type Part } from '../action-context.ts';
import { heldEntries, inventoryOf } from '../inventory.ts';
import type { Run } from '../run.ts';
import { timeoutOf } from '../spec.ts';
import { draftOf, noteRelease } from '../status.ts';
import { collectRemediation } from './collect-remediation.ts';
import { revisionOptionsOf } from './options.ts';
import { endOf, type Verb } from './verb.ts';

function optionsOf(run: Run): RollbackOptions {
  const serverSideApply = run.object.spec.rollback?.serverSideApply ?? 'auto';
  return { ...revisionOptionsOf(run, 'rollback'), serverSideApply };
}

/** Returns revisions as they are stored now that status.history knows as deployed. */
async function formerlyDeployed(
  run: Run,
  storage: ReleaseStorage,
  present: Release,
): Promise<Release[]> {
  const former = (draftOf(run).history ?? []).filter(
    ({ status, version }) => status === 'deployed' && version !== present.version,
  );
  const releases = await Promise.all(former.map(({ name, version }) => storage.get(name, version)));
  return releases.filter((release) => release !== undefined);
}

async function perform(run: Run, part: Part, { version }: Action<'rollback'>): Promise<ActionEnd> {
  const more: Partial<ActionEnd> = {};
  return endOf(part, more, async () => {
    const ctx = await actionContext(run, part);
    const last = run.last;
    const to = await ctx.storage.get(run.releaseName, version);
    if (to === undefined || last === undefined)
      throw new ActionError(`revision ${version}, to which to roll back, is gone`);
    more.inventory = await inventoryOf(run, to, []);
    const release = await rollback(ctx, { to, last, options: optionsOf(run) });
    more.others = await formerlyDeployed(run, ctx.storage, release);
    return release;
  });
}

function collect(run: Run, end: ActionEnd): Promise<Collected> {
  const { release, error, inventory } = end;
  if (release !== undefined) noteRelease(run, release, 'rollback');
  if (error === undefined && inventory !== undefined)
    draftOf(run).inventory = { entries: heldEntries(run, inventory) };
  return collectRemediation(run, end, {
    action: 'rollback',
    succeeded: 'RollbackSucceeded',
    failed: 'RollbackFailed',
  });
}

/** Goes back to an earlier revision. */
export const rollbackVerb: Verb<'rollback'> = {
  role: ({ isAsked }) => (isAsked ? 'undo' : 'remediate'),
  timeoutMs: ({ object }) => timeoutOf(object, 'rollback'),
  perform,
  collect,
};
