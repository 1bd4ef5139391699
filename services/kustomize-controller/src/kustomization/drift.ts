import { type KubeObject, kustomizeGroup } from '@sluice/shared/api';
import { errorMessage, mapConcurrently } from '@sluice/shared/base';
import {
  applyObjects,
  confirmDrift,
  type Drift,
  displayName,
  formatObjectId,
  gvkOf,
  type ObjectId,
  objectIdOf,
} from '@sluice/shared/kube';
import { applyOptionsOf, fieldManager, ignoreRulesOf } from './apply.ts';
import { withBuild } from './build.ts';
import { eventMetadata, joinLines, sayWarning } from './events.ts';
import { scopeObjects } from './label.ts';
import type { Build, Run, Target } from './run.ts';
import { resolveTarget } from './target.ts';

/** Most changed fields that an event names for one object. */
const maxFields = 20;

/** Returns what to do about drift; correcting it is the default. */
export function driftModeOf(run: Run): 'enabled' | 'warn' | 'disabled' {
  return run.object.spec.driftDetection?.mode ?? 'enabled';
}

/** Describes drift by the paths of the fields, never by their values. */
export function describeDrift({ id, deleted, changes }: Drift): string {
  if (deleted) return `${displayName(id)} deleted`;
  const fields = changes
    .slice(0, maxFields)
    .map((change) => `${change.path} ${change.kind}${change.masked ? ' (secret)' : ''}`);
  const more = changes.length > maxFields ? `, and ${changes.length - maxFields} more` : '';
  return `${displayName(id)} drifted: ${fields.join(', ')}${more}`;
}

function cachedBuild({ state, deps }: Run): Build | undefined {
  const key = state.applied?.buildKey;
  return key === undefined ? undefined : deps.builds.get(key);
}

async function desiredObjects(run: Run, target: Target): Promise<Map<string, KubeObject>> {
  const build = cachedBuild(run) ?? (await withBuild(run, (prepared) => prepared.objects()));
  const objects = await scopeObjects(build.objects, target.client);
  return new Map(objects.map((object) => [formatObjectId(objectIdOf(object)), object]));
}

async function liveOf(target: Target, desired: KubeObject): Promise<KubeObject | undefined> {
  const resource = await target.client.mapper.resourceFor(gvkOf(desired));
  return target.cluster.live.get(resource, desired.metadata);
}

/** Notes what a correction has left in the cluster, so that it is not taken for drift. */
function recordCorrection(run: Run, target: Target, object: KubeObject): void {
  target.cluster.applied.record(run.ctx.key, [object], { ignore: ignoreRulesOf(run) });
  const known = run.state.applied?.objects.get(formatObjectId(objectIdOf(object)));
  if (known === undefined) return;
  const { uid, generation, resourceVersion } = object.metadata;
  Object.assign(known, { uid, generation, resourceVersion });
}

async function correct(run: Run, target: Target, o: { desired: KubeObject; drift: Drift }) {
  const { changes, failures } = await applyObjects([o.desired], applyOptionsOf(run, target));
  const [failure] = failures;
  if (failure !== undefined) {
    await sayWarning(
      run,
      'DriftDetected',
      `${describeDrift(o.drift)}; it could not be corrected: ${failure.error.message}`,
    );
    // The next reconcile applies everything, and fails in the open if that is refused, too.
    run.state.applied = undefined;
    return;
  }
  for (const change of changes) recordCorrection(run, target, change.object);
  run.deps.backoff.corrected(`${run.ctx.key} ${formatObjectId(o.drift.id)}`);
  run.deps.metrics.drift('corrected');
  run.state.reported.delete(formatObjectId(o.drift.id));
  const done = o.drift.deleted ? 'created again' : 'corrected';
  const message = `${describeDrift(o.drift)}; ${done}`;
  run.ctx.logger.info({ drift: message }, 'Drift corrected');
  await run.ctx.event({
    severity: 'info',
    reason: 'DriftCorrected',
    message: joinLines([message]),
    metadata: eventMetadata(run),
  });
}

async function report(run: Run, id: ObjectId, message: string): Promise<void> {
  const text = formatObjectId(id);
  if (run.state.reported.get(text) === message) return;
  run.state.reported.set(text, message);
  run.ctx.logger.info({ drift: message }, 'Drift detected');
  await sayWarning(run, 'DriftDetected', message);
}

/** Handles one object; returns the milliseconds after which it has to be looked at again, if so. */
async function healObject(
  run: Run,
  target: Target,
  desired: KubeObject,
): Promise<number | undefined> {
  const id = objectIdOf(desired);
  const live = await liveOf(target, desired);
  if (live !== undefined && !target.cluster.applied.isDrifted(live, id)) return undefined;
  const drift = await confirmDrift({
    client: target.client,
    fieldManager,
    desired,
    live,
    ignore: ignoreRulesOf(run),
    annotationPrefix: kustomizeGroup,
    overrideManagers: run.deps.settings.overrideManagers,
    signal: run.signal,
  });
  if (drift === undefined) {
    if (live !== undefined) target.cluster.applied.accept(live, id);
    return undefined;
  }
  run.deps.metrics.drift('detected');
  if (driftModeOf(run) === 'warn') {
    await report(run, id, describeDrift(drift));
    if (live !== undefined) target.cluster.applied.accept(live, id);
    return undefined;
  }
  const { delayMs, message } = run.deps.backoff.verdict(`${run.ctx.key} ${formatObjectId(id)}`);
  if (delayMs > 0) {
    run.deps.metrics.drift('delayed');
    await report(run, id, `${describeDrift(drift)}; ${message}`);
    return delayMs;
  }
  await correct(run, target, { desired, drift });
  return undefined;
}

/** Takes the objects that have to be looked at now. */
function takeDrifted(run: Run): string[] {
  const { state, ctx } = run;
  const now = ctx.clock.now();
  const due = [...state.delayed].filter(([, at]) => at <= now).map(([text]) => text);
  const taken = new Set([...state.drifted.keys(), ...due]);
  state.drifted.clear();
  for (const text of due) state.delayed.delete(text);
  return [...taken];
}

/**
 * Compares the objects that the watches saw change with their source by a dry-run each, and corrects or reports those
 * that differ; nothing else is applied.
 *
 * @returns when to look again because corrections are spaced out, in milliseconds since the epoch
 * @throws ObjectError when the API server refuses the comparison
 */
export async function healDrift(run: Run, target: Target): Promise<number | undefined> {
  const { state, ctx, deps } = run;
  const drifted = takeDrifted(run);
  if (driftModeOf(run) === 'disabled') state.delayed.clear();
  else if (drifted.length > 0) {
    const desired = await desiredObjects(run, target);
    const objects = drifted.flatMap((text) => desired.get(text) ?? []);
    state.applying = true;
    try {
      await mapConcurrently(objects, deps.settings.concurrentApplies, async (object) => {
        const delayMs = await healObject(run, target, object);
        const text = formatObjectId(objectIdOf(object));
        if (delayMs !== undefined) state.delayed.set(text, ctx.clock.now() + delayMs);
      });
    } finally {
      state.applying = false;
    }
    await forgetOwnWrites(run, target);
  }
  return state.delayed.size === 0 ? undefined : Math.min(...state.delayed.values());
}

/**
 * Heals drift of what was applied last, before anything new is looked at: a source that cannot be built, or a dependency
 * that is not ready, must not keep drift alive. Does nothing when those objects are no longer in memory.
 */
export async function healBeforeNews(run: Run): Promise<void> {
  if (run.state.drifted.size === 0 || cachedBuild(run) === undefined) return;
  try {
    await healDrift(run, await resolveTarget(run));
  } catch (error) {
    run.ctx.signal.throwIfAborted();
    run.ctx.logger.error({ error: run.masker.mask(errorMessage(error)) }, 'Drift was not healed');
  }
}

/** Drops from the objects seen to change those that hold what was applied: the watches saw our own writes. */
export async function forgetOwnWrites(run: Run, target: Target): Promise<void> {
  const { state } = run;
  for (const [text, id] of [...state.drifted]) {
    const applied = state.applied?.objects.get(text);
    if (applied === undefined) {
      state.drifted.delete(text);
      continue;
    }
    const gvk = gvkOf({ apiVersion: applied.apiVersion, kind: id.kind });
    const resource = await target.client.mapper.resourceFor(gvk);
    const live = target.cluster.live.get(resource, id);
    const isNewer =
      live !== undefined && Number(live.metadata.resourceVersion) > Number(applied.resourceVersion);
    const gone = live === undefined && target.cluster.live.isSynced(resource);
    if (!(isNewer || gone) || (live && !target.cluster.applied.isDrifted(live, id)))
      state.drifted.delete(text);
  }
}
