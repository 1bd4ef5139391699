import { type Kustomization, reconcileRequestAnnotation } from '@sluice/shared/api';
import type { HeldChange } from '@sluice/shared/applier';
import { ReconcileError, RetryableError, WaitingError } from '@sluice/shared/base';
import { CommandError } from '@sluice/shared/cli';
import { checkHealthRules, forgetOwnWrites, ObjectError, type Target } from '@sluice/shared/engine';
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
import { applyBuild, settleInventory } from './apply.ts';
import { type PreparedBuild, withBuild } from './build.ts';
import { checkDependencies } from './check-dependencies.ts';
import { checkHealth, rulesOf } from './check-health.ts';
import { driftModeOf, healBeforeNews, healDrift } from './drift.ts';
import { describeError } from './events.ts';
import { finishReady } from './finish.ts';
import { holdUnlessAdmitted, noteNothingHeld, stayHeld } from './gate.ts';
import { noteChange } from './note-change.ts';
import { pruneStale } from './prune.ts';
import { resolveSource } from './resolve-source.ts';
import {
  type KustomizationDeps,
  quietMs,
  type ResolvedSource,
  type Run,
  sourceOf,
  startRun,
} from './run.ts';
import { type AppliedBuild, revisionOf } from './state.ts';

/** Names everything that a finished apply was made for; another one means that there is something new to do. */
function fingerprintOf(run: Run): string {
  const { uid, generation, annotations } = run.object.metadata;
  const { artifact, revision } = sourceOf(run);
  const request = annotations?.[reconcileRequestAnnotation] ?? '';
  return JSON.stringify([uid, generation, artifact.digest, revision, request]);
}

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

/** What a revision has changed remains so when it is applied once more. */
function changesSoFar(run: Run, former: AppliedBuild | undefined): string {
  if (former === undefined) return '';
  return revisionOf(former) === sourceOf(run).revision ? former.changes : '';
}

/** Returns whether anything changed in the cluster. */
async function applyAndPrune(run: Run, target: Target, prepared: PreparedBuild): Promise<boolean> {
  const { state, object } = run;
  const build = await prepared.objects();
  const isNewRevision = object.status?.lastAppliedRevision !== sourceOf(run).revision;
  const former = state.applied;
  state.applied = undefined;
  state.meanwhile = new Map();
  const report = await withSpan('apply', {}, async (span) => {
    span.set({ 'sluice.objects': build.objects.length });
    const applied = await applyBuild(run, target, { build, former });
    span.set({ 'sluice.changed': applied.changed });
    return applied;
  });
  settleInventory(run, target, report);
  const { inventory, kept } = await withSpan(
    'prune',
    { attributes: { 'sluice.objects': report.stale.length } },
    () => pruneStale(run, target, { report, digest: build.digest }),
  );
  state.applied = {
    fingerprint: fingerprintOf(run),
    generation: object.metadata.generation ?? 0,
    buildKey: prepared.key,
    digest: build.digest,
    objects: report.objects,
    inventory,
    kept,
    changed: report.changed,
    changes: report.changed ? report.changes : changesSoFar(run, former),
    isNewRevision,
    startedAt: run.startedAt,
  };
  state.reported.clear();
  // Some of what the watches saw could not be judged before it was known what was applied.
  for (const change of state.meanwhile?.values() ?? [])
    noteChange(change, target.cluster, { state, object });
  await forgetOwnWrites(target, state);
  return report.changed || report.stale.length > 0;
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
  return withBuild(run, async (build) => {
    run.state.wait = undefined;
    refuseSilentEmptiness(run, build);
    if (await isApplied(run, target, build)) {
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
    const held = await holdUnlessAdmitted(run, target, await build.objects());
    if (held !== undefined) return held;
    try {
      return await applyAndPrune(run, target, build);
    } finally {
      run.state.meanwhile = undefined;
    }
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

async function runRecipe(run: Run): Promise<Outcome> {
  const { state, object } = run;
  await healBeforeNews(run);
  checkHealthRules(rulesOf(object));
  const source = await findSource(run);
  if (source === undefined) return waiting(run.state.quietUntil);
  run.source = source;
  run.ctx.span.set({ 'sluice.revision': run.source.revision });
  const resumed = canResume(run);
  if (!resumed) await checkDependencies(run);
  const target = await run.deps.clusters.targetOf(object, run.signal);
  const wasReady = isReady(object);
  const changed = resumed ? false : await bringUpToDate(run, target);
  if (typeof changed === 'object') return stayHeld(run, target, changed);
  const lookAgainAt = await healDrift(run, target);
  const verdict = await withSpan('check health', {}, async (span) => {
    const found = await checkHealth(run, target);
    span.set({ 'sluice.health': found.type });
    return found;
  });
  if (verdict.type !== 'waiting') await finishReady(run, { verdict, changed, wasReady });
  // Objects that changed while others were looked at.
  if (state.drifted.size > 0) run.deps.revisit(run.ctx.key);
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
 * and the recipe goes straight on to the health checks.
 *
 * @throws ReconcileError with the reason of the Ready condition
 */
export async function reconcileKustomization(
  ctx: ReconcileContext<Kustomization>,
  deps: KustomizationDeps,
): Promise<Outcome> {
  const run = startRun(ctx, deps);
  try {
    return await runRecipe(run);
  } catch (error) {
    const { state } = run;
    if (state.phase === 'ready' || state.phase === 'health') state.phase = 'unknown';
    throw translate(run, error);
  }
}
