import { formatDuration, joinLines } from '@sluice/shared/base';
import { idsOf } from '@sluice/shared/engine';
import { ActionError } from '../action/context.ts';
import type { ActionEnd, Collected } from './action.ts';
import { sayFailure } from './events.ts';
import { type Run, targetOf } from './run.ts';
import type { RunningAction } from './state.ts';
import { draftOf, releasedCondition, setCondition, summarize } from './status.ts';
import { verbOf } from './verbs/verbs.ts';

/** Has the HelmRelease come back when kinds are served for lack of which the action has failed. */
async function awaitKinds(run: Run, { error }: ActionEnd): Promise<void> {
  const missing = error instanceof ActionError ? error.missing : [];
  if (missing.length === 0 && run.target === undefined) return;
  const { cluster } = await targetOf(run);
  cluster.kinds.waitFor(run.ctx.key, missing);
}

/** Notes and announces what an action has not deleted because it is protected. */
async function noteKept(run: Run): Promise<void> {
  const { kept } = run.state;
  if (kept.size === 0) return;
  const message = joinLines([...kept]);
  kept.clear();
  const released = run.ctx.status.getCondition(releasedCondition);
  if (released !== undefined)
    setCondition(run, releasedCondition, {
      ...released,
      message: `${released.message}\nNot deleted:\n${message}`,
    });
  await sayFailure(run, { reason: 'PruneRefused', message });
}

/** Notes in the status and announces what an action has come to. */
export async function collect(
  run: Run,
  running: RunningAction,
  end: ActionEnd,
): Promise<Collected> {
  const tookMs = Math.max(1, Math.round(run.ctx.clock.now() - running.startedAt));
  const { type } = running.action;
  run.desired ??= running.desired;
  if (type === 'install' || type === 'upgrade')
    draftOf(run).lastAttemptedReleaseActionDuration = formatDuration(tookMs);
  run.deps.metrics.action(type, end.error === undefined ? 'succeeded' : 'failed');
  run.deps.metrics.took(type, tookMs / 1000);
  await awaitKinds(run, end);
  const collected = await verbOf(running.action).collect(run, end, running.action);
  await noteKept(run);
  run.state.held.keepOnly(idsOf(draftOf(run).inventory?.entries ?? []));
  summarize(run);
  return collected;
}
