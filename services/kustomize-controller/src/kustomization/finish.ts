import { formatDuration } from '@sluice/shared/base';
import type { HealthVerdict } from './check-health.ts';
import { sayFinished, sayProgress } from './events.ts';
import { type Run, sourceOf } from './run.ts';
import { noteHealth, noteHistory, noteReady, succeededReason, wasHealthy } from './status.ts';

/** How a reconcile came to its good end. */
export interface Finish {
  verdict: Exclude<HealthVerdict, { type: 'waiting' }>;
  /** Whether this reconcile changed anything in the cluster. */
  changed: boolean;
  /** Whether the object was ready when it began. */
  wasReady: boolean;
}

async function finishHealth(run: Run, verdict: Finish['verdict'], isNews: boolean): Promise<void> {
  if (verdict.type === 'unchecked') return noteHealth(run);
  const { applied } = run.state;
  const healthy = wasHealthy(run);
  // A check that was passed before and goes on being passed leaves its condition as it is.
  if (healthy && !isNews) return;
  const message = `Health check passed in ${formatDuration(Math.round(verdict.tookMs))}`;
  noteHealth(run, { healthy: true, message });
  run.deps.metrics.waited(verdict.tookMs / 1000);
  if (!healthy || (applied?.isNewRevision && applied.changed)) await sayProgress(run, message);
}

/**
 * Ends a reconcile well: history, event and Ready=True. A ready object that was only looked at again, without anything
 * new to apply, is left as it is and causes no request.
 */
export async function finishReady(run: Run, finish: Finish): Promise<void> {
  const { state, ctx, object } = run;
  const { revision, artifact } = sourceOf(run);
  const isNewRevision = object.status?.lastAppliedRevision !== revision;
  const isNews = finish.changed || !finish.wasReady || isNewRevision || ctx.priority === 'request';
  await finishHealth(run, finish.verdict, isNews);
  if (isNews) {
    const durationMs = ctx.clock.now() - (state.applied?.startedAt ?? run.startedAt);
    noteHistory(run, state.applied?.digest ?? '', succeededReason);
    const worked = finish.changed || state.applied?.changed || !finish.wasReady;
    await sayFinished(run, { durationMs, idle: !worked && ctx.priority !== 'request' });
    if (isNewRevision)
      run.deps.metrics.ready(
        Math.max(0, ctx.clock.now() - Date.parse(artifact.lastUpdateTime)) / 1000,
      );
  }
  noteReady(run);
  state.phase = 'ready';
}
