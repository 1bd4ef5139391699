import type { Kustomization } from '@sluice/shared/api';
import type { HeldChange } from '@sluice/shared/applier';
import { ReconcileError, RetryableError, WaitingError } from '@sluice/shared/base';
import { CommandError, LaterError } from '@sluice/shared/cli';
import { checkHealthRules, ObjectError, type Target } from '@sluice/shared/engine';
import { gvkOf } from '@sluice/shared/kube';
import {
  done,
  isReady,
  type Outcome,
  type ReconcileContext,
  readyCondition,
  waiting,
  withSpan,
} from '@sluice/shared/runtime';
import { applyAndPrune, fingerprintOf } from './apply-and-prune.ts';
import { awaitDecryption, dropDecryption } from './await-decryption.ts';
import { type PreparedBuild, withBuild } from './build.ts';
import { checkDependencies } from './check-dependencies.ts';
import { checkHealth, type HealthVerdict } from './check-health.ts';
import { driftModeOf, healBeforeNews, healDrift } from './drift.ts';
import { describeError } from './events.ts';
import { finishReady } from './finish.ts';
import { holdUnlessAdmitted, noteNothingHeld } from './gate.ts';
import { keepAdmitted, keepHealthy } from './keep-snapshots.ts';
import { rulesOf } from './look-at-health.ts';
import { resolveSource } from './resolve-source.ts';
import { isRollbackCause, rollBack, stayHeldOrRollBack } from './roll-back.ts';
import { rollBackOnRequest } from './roll-back-on-request.ts';
import {
  type KustomizationDeps,
  quietMs,
  type ResolvedSource,
  type Run,
  sourceOf,
  startRun,
} from './run.ts';

/** Whether the apply for this very input is behind us, and only its health or drift has to be looked at. */
function canResume(run: Run): boolean {
  const { state, ctx } = run;
  if (state.applied?.fingerprint !== fingerprintOf(run) || state.configChanged) return false;
  if (state.phase === 'health') return true;
  if (state.phase === 'unhealthy') return ctx.clock.now() < (state.retryAt ?? 0);
  const hasDrift = state.drifted.size > 0 || state.delayed.size > 0;
  return state.phase === 'ready' && (ctx.priority === 'drift' || hasDrift);
}

/** Whether every applied object was watched since it was applied, so that a change of it cannot have gone unseen. */
async function isWatched(run: Run, target: Target): Promise<boolean> {
  const { live, client } = target;
  for (const { apiVersion, id } of run.state.applied?.objects.values() ?? []) {
    const gvk = gvkOf({ apiVersion, kind: id.kind });
    const resource = await client.mapper.resourceFor(gvk).catch(() => undefined);
    if (resource === undefined || !live.isWhole(resource, id.namespace)) return false;
  }
  return true;
}

/** Whether the build is already in the cluster, and every change of it would have been noticed. */
async function isApplied(run: Run, target: Target, build: PreparedBuild): Promise<boolean> {
  const { applied } = run.state;
  if (applied === undefined || build.key === undefined || applied.buildKey !== build.key)
    return false;
  const [uid, generation, , , request] = JSON.parse(fingerprintOf(run));
  const [uidThen, generationThen, , , requestThen] = JSON.parse(applied.fingerprint);
  const sameOrder = uid === uidThen && generation === generationThen && request === requestThen;
  if (!sameOrder || driftModeOf(run) === 'disabled') return false;
  return isWatched(run, target);
}

function refuseSilentEmptiness(run: Run, build: PreparedBuild): void {
  const managed = run.object.status?.inventory?.entries.length ?? 0;
  if (!build.noManifests || managed === 0 || !run.object.spec.prune) return;
  throw new RetryableError(
    'BuildFailed',
    `spec.path '${run.object.spec.path ?? ''}' holds no manifests any more; its ${managed} objects are kept: add a kustomization file with 'resources: []' to delete them, or correct spec.path`,
  );
}

/**
 * Builds and applies what is new.
 *
 * @returns whether anything changed in the cluster, or the change that has to wait
 */
async function bringUpToDate(run: Run, target: Target): Promise<boolean | HeldChange> {
  run.state.configChanged = false;
  // News of the source that come while it is fetched must not be taken for known.
  run.state.phase = 'unknown';
  return withBuild(run, async (prepared) => {
    refuseSilentEmptiness(run, prepared);
    if (await isApplied(run, target, prepared)) {
      run.state.wait = undefined;
      run.deps.metrics.build('unchanged');
      await noteNothingHeld(run);
      const { applied } = run.state;
      if (applied !== undefined) {
        const isNewRevision = run.object.status?.lastAppliedRevision !== sourceOf(run).revision;
        const fingerprint = fingerprintOf(run);
        Object.assign(applied, {
          fingerprint,
          isNewRevision,
          changed: false,
          changes: '',
          startedAt: run.startedAt,
        });
      }
      return false;
    }
    const build = await prepared.objects();
    const held = await holdUnlessAdmitted(run, target, build);
    if (held !== undefined) return held;
    // What is applied anew has all of its time; what stays while a change waits has what is left of it.
    run.state.wait = undefined;
    await keepAdmitted(run, target, build);
    return applyAndPrune(run, target, { key: prepared.key, build });
  });
}

/**
 * Returns the source; undefined when a new object should wait for one first that comes within a second, as when both are
 * created at once: the change of the source starts it again.
 */
async function findSource(run: Run): Promise<ResolvedSource | undefined> {
  const { state, ctx } = run;
  try {
    return await resolveSource(run);
  } catch (error) {
    const isNew = ctx.status.getCondition(readyCondition) === undefined;
    if (!(error instanceof WaitingError) || !isNew) throw error;
    const now = ctx.clock.now();
    state.quietUntil ??= now + quietMs;
    if (now >= state.quietUntil) throw error;
    return undefined;
  }
}

/** Returns how the health checks stand, or how they failed when that is to be answered by a rollback. */
function lookAtHealth(run: Run, target: Target): Promise<HealthVerdict | ReconcileError> {
  return withSpan('check health', {}, async (span) => {
    try {
      const found = await checkHealth(run, target);
      span.set({ 'sluice.health': found.type });
      return found;
    } catch (error) {
      if (isRollbackCause(run, error)) return error;
      throw error;
    }
  });
}

async function runRecipe(run: Run): Promise<Outcome> {
  const { state, object } = run;
  await healBeforeNews(run);
  checkHealthRules(rulesOf(object));
  const source = await findSource(run);
  if (source === undefined) return waiting(run.state.quietUntil);
  run.source = source;
  run.ctx.span.set({ 'sluice.revision': run.source.revision });
  await rollBackOnRequest(run);
  const resumed = canResume(run);
  if (!resumed) await checkDependencies(run);
  const target = await run.deps.clusters.targetOf(object, run.signal);
  const wasReady = isReady(object);
  const changed = resumed ? false : await bringUpToDate(run, target);
  if (typeof changed === 'object') return stayHeldOrRollBack(run, target, changed);
  const lookAgainAt = await healDrift(run, target);
  const verdict = await lookAtHealth(run, target);
  if (verdict instanceof ReconcileError) return rollBack(run, target, verdict);
  if (verdict.type !== 'waiting') {
    await finishReady(run, { verdict, changed, wasReady });
    await keepHealthy(run, target);
  }
  // Objects that changed while others were looked at.
  if (state.drifted.size > 0) run.deps.revisit(run.ctx.key, 'drift');
  if (verdict.type === 'waiting')
    return waiting(Math.min(verdict.untilMs, lookAgainAt ?? Number.POSITIVE_INFINITY));
  return lookAgainAt === undefined ? done() : done(Math.max(0, lookAgainAt - run.ctx.clock.now()));
}

/** Turns what may go wrong on the way into errors that say what to do. */
function translate(run: Run, error: unknown): unknown {
  if (error instanceof ReconcileError) return describeError(run, error);
  if (run.ctx.signal.aborted) return error;
  if (error instanceof ObjectError)
    return describeError(run, new RetryableError('ReconciliationFailed', error.message));
  const isTimeout = run.signal.aborted;
  if (isTimeout || error instanceof CommandError) {
    const message = isTimeout
      ? `building and applying took longer than ${run.timeoutMs} ms: raise spec.timeout`
      : (error as CommandError).message;
    const reason = isTimeout ? 'ReconciliationFailed' : 'BuildFailed';
    return describeError(run, new RetryableError(reason, message, { cause: error }));
  }
  return error;
}

/**
 * Makes the cluster hold what the Kustomization's source says: resolve the source, check the dependencies, build,
 * apply, prune, look at health. Waiting for health holds no slot: a change of a watched object brings the key back,
 * and the recipe goes straight on to the health checks. Neither does waiting for key services, whose answer does so.
 *
 * @throws ReconcileError with the reason of the Ready condition
 */
export async function reconcileKustomization(
  ctx: ReconcileContext<Kustomization>,
  deps: KustomizationDeps,
): Promise<Outcome> {
  const run = startRun(ctx, deps);
  const { state } = run;
  try {
    const outcome = await runRecipe(run);
    dropDecryption(state);
    return outcome;
  } catch (error) {
    if (error instanceof LaterError) return awaitDecryption(run);
    dropDecryption(state);
    if (state.phase === 'ready' || state.phase === 'health') state.phase = 'unknown';
    if (state.phase === 'unknown') deps.clusters.releaseNamed(ctx.key);
    throw translate(run, error);
  }
}
