import { formatDuration } from '@sluice/shared/base';
import {
  currentTraceparent,
  type Outcome,
  progressingReason,
  waiting,
  withSpan,
} from '@sluice/shared/runtime';
import type { Doing } from './doing.ts';
import { Operation } from './operation.ts';
import { perform } from './perform.ts';
import type { Run } from './run.ts';
import { timeoutOf } from './spec.ts';
import type { ActionEnd, RunningAction } from './state.ts';

/** An action that ends sooner shows in the status only when it has ended, which saves a request. */
const quietMs = 1000;

function timeoutFor(run: Run, { type }: Doing): number {
  if (type === 'unlock') return timeoutOf(run.object, 'upgrade');
  return timeoutOf(run.object, type === 'leave' ? 'uninstall' : type);
}

/** Starts what was decided; it goes on when the reconcile has ended. */
export function startAction(run: Run, doing: Doing, fingerprint: string): RunningAction {
  const { ctx, deps, state, desired } = run;
  desired?.hold();
  const { namespace = '' } = ctx.object.metadata;
  const operation = new Operation<ActionEnd>(
    { run: (fn, signal) => deps.slots.run(namespace, fn, signal), signal: ctx.signal },
    async (part) => {
      try {
        return await withSpan(`helm ${doing.type}`, {}, () => perform(run, part, doing));
      } finally {
        desired?.release();
      }
    },
  );
  const running: RunningAction = {
    doing,
    fingerprint,
    desired,
    startedAt: ctx.clock.now(),
    timeoutMs: timeoutFor(run, doing),
    trace: currentTraceparent(),
    operation,
  };
  state.running = running;
  return running;
}

function showProgress(run: Run, { doing, timeoutMs }: RunningAction): void {
  const message = `Running '${doing.type}' action with a timeout of ${formatDuration(timeoutMs)}`;
  const unready = doing.type === 'install' || doing.type === 'upgrade';
  run.ctx.status.reconciling(progressingReason, message, { unready });
}

/**
 * Waits for an action as long as it works.
 *
 * @returns undefined when it has ended; else the outcome of the reconcile, to which the end of the action brings the
 * key back
 */
export async function follow(run: Run, running: RunningAction): Promise<Outcome | undefined> {
  await running.operation.rests();
  if (running.operation.ending !== undefined) return undefined;
  running.operation.onEnd(() => run.deps.revisit(run.ctx.key, 'change'));
  const quietUntil = running.startedAt + quietMs;
  // The result of another action has to be written anyway.
  if (run.hasActed || run.ctx.clock.now() >= quietUntil) {
    showProgress(run, running);
    return waiting();
  }
  run.state.unwritten = run.ctx.status.undo();
  return waiting(quietUntil);
}
