import {
  currentTraceparent,
  type Outcome,
  progressingReason,
  waiting,
  withSpan,
} from '@sluice/shared/runtime';
import { Waits } from '../action/waits.ts';
import type { Action, ActionEnd } from './action.ts';
import type { Part } from './action-context.ts';
import { progressMessage } from './announce.ts';
import { auditedRelease, whatReleased } from './audit.ts';
import { BackgroundTask } from './background-task.ts';
import type { Run } from './run.ts';
import type { RunningAction } from './state.ts';
import { verbOf } from './verbs/verbs.ts';

/** An action that ends sooner shows in the status only when it has ended, which saves a request. */
const quietMs = 1000;
/** Between two looks for what the status says is waited for, in milliseconds. */
const showMs = 15_000;

/** Does what was decided, between the records of the audit trail. */
async function perform(
  run: Run,
  part: Part,
  { action, fingerprint }: { action: Action; fingerprint: string },
): Promise<ActionEnd> {
  const audited = auditedRelease(run, action, fingerprint);
  await audited?.begins();
  const end = await verbOf(action).perform(run, part, action);
  const result = end.error === undefined ? 'succeeded' : 'failed';
  await audited?.ended(result, () => whatReleased(end));
  return end;
}

/** Starts what was decided; it goes on when the reconcile has ended. */
export function startAction(run: Run, action: Action, fingerprint: string): RunningAction {
  const { ctx, deps, state, desired } = run;
  desired?.hold();
  const { namespace = '' } = ctx.object.metadata;
  const verb = verbOf(action);
  const waits = new Waits();
  const task = new BackgroundTask<ActionEnd>(
    { run: (fn, signal) => deps.slots.run(namespace, fn, signal), signal: ctx.signal },
    async (part) => {
      try {
        return await withSpan(`helm ${action.type}`, {}, () =>
          perform(run, { ...part, waits }, { action, fingerprint }),
        );
      } finally {
        desired?.release();
      }
    },
  );
  const running: RunningAction = {
    action,
    fingerprint,
    desired,
    startedAt: ctx.clock.now(),
    timeoutMs: verb.timeoutMs(run),
    trace: currentTraceparent(),
    task,
    waits,
  };
  state.running = running;
  return running;
}

function say(run: Run, { action }: RunningAction, message: string): void {
  const unready = action.type === 'install' || action.type === 'upgrade';
  run.ctx.status.reconciling(progressingReason, message, { unready });
}

/**
 * Says that an action is under way, and for what it waits.
 *
 * @returns when to look again for what it waits for, in milliseconds since the epoch
 */
function showProgress(run: Run, running: RunningAction): number {
  const nowMs = run.ctx.clock.now();
  if (running.shown === undefined || nowMs >= running.shown.untilMs) {
    const pending = running.waits.describe();
    const rest = pending === undefined ? '' : `, waiting for: ${pending}`;
    const message = `${progressMessage(running)}${rest}`;
    running.shown = { message, untilMs: nowMs + (pending === undefined ? quietMs : showMs) };
  }
  say(run, running, running.shown.message);
  return running.shown.untilMs;
}

/**
 * Waits for an action as long as it works.
 *
 * @returns undefined when it has ended; else the outcome of the reconcile, to which the end of the action brings the
 * key back
 */
export async function follow(run: Run, running: RunningAction): Promise<Outcome | undefined> {
  await running.task.rests();
  if (running.task.ending !== undefined) return undefined;
  running.task.onEnd(() => run.deps.revisit(run.ctx.key, 'progress'));
  const quietUntil = running.startedAt + quietMs;
  if (run.ctx.clock.now() >= quietUntil) return waiting(showProgress(run, running));
  // The result of another action has to be written anyway.
  if (run.hasActed) say(run, running, progressMessage(running));
  else run.state.unwritten = run.ctx.status.undo();
  return waiting(quietUntil);
}
