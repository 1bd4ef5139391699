import { errorMessage } from '@sluice/shared/base';
import { unlock } from '../../action/unlock.ts';
import type { ActionEnd, Collected } from '../action.ts';
import { actionContext, type Part } from '../action-context.ts';
import { saySuccess } from '../events.ts';
import type { Run } from '../run.ts';
import { timeoutOf } from '../spec.ts';
import { latestSnapshot, releasedCondition, setCondition } from '../status.ts';
import { collectFailure, noteKnown } from './collected.ts';
import { endOf, type Verb } from './verb.ts';

async function perform(run: Run, part: Part): Promise<ActionEnd> {
  return endOf(part, {}, async () => {
    if (run.last === undefined) throw new Error('there is no release to unlock');
    return unlock(await actionContext(run, part), run.last);
  });
}

async function collect(run: Run, { release, error }: ActionEnd): Promise<Collected> {
  const reason = 'PendingRelease';
  if (release !== undefined) noteKnown(run, [release]);
  const what = `${run.releaseNamespace}/${run.releaseName}.v${run.last?.version}`;
  const was = run.last?.info.status;
  const condition = releasedCondition;
  if (error !== undefined) {
    const message = `Unlocking release ${what}, which is ${was}, failed: ${errorMessage(error)}`;
    await collectFailure(run, { condition, reason, message, isThrown: true });
    return { reason, message, error };
  }
  const message = `Unlocked release ${what}: the action that left it pending was cut short`;
  setCondition(run, condition, { status: 'False', reason, message });
  const about = latestSnapshot(run);
  if (about !== undefined) await saySuccess(run, { reason, message, about });
  return { reason, message };
}

/** Marks a release as failed that an interrupted action has left pending. */
export const unlockVerb: Verb<'unlock'> = {
  role: () => 'unlock',
  timeoutMs: ({ object }) => timeoutOf(object, 'upgrade'),
  perform,
  collect,
};
