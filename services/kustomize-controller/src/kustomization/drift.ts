import type { KubeObject } from '@sluice/shared/api';
import { errorMessage } from '@sluice/shared/base';
import {
  type DriftListener,
  type DriftMode,
  formatObjectId,
  objectIdOf,
  type Target,
} from '@sluice/shared/engine';
import { applyOptionsOf, ignoreRulesOf } from './apply.ts';
import { recordCorrection } from './audit.ts';
import { withBuild } from './build.ts';
import { sayDrift } from './events.ts';
import { objectsToApply } from './objects-to-apply.ts';
import type { Build, Run } from './run.ts';

/** Returns what to do about drift; correcting it is the default. */
export function driftModeOf(run: Run): DriftMode {
  return run.object.spec.driftDetection?.mode ?? 'enabled';
}

/** Returns what was applied last, if that is still in memory. */
export function cachedBuild({ state, deps }: Run): Build | undefined {
  const key = state.applied?.buildKey;
  return key === undefined ? undefined : deps.builds.get(key);
}

async function desiredObjects(run: Run, target: Target): Promise<Map<string, KubeObject>> {
  const cached = cachedBuild(run);
  if (cached === undefined && run.state.isHeld) return new Map();
  const build = cached ?? (await withBuild(run, (prepared) => prepared.objects()));
  for (const text of build.secrets) run.masker.add(text);
  const objects = await objectsToApply(run, target, build);
  return new Map(objects.map((object) => [formatObjectId(objectIdOf(object)), object]));
}

/** A watch that lags behind shows an object from before its correction. */
function noteCorrection({ state }: Run, object: KubeObject): void {
  const known = state.applied?.objects.get(formatObjectId(objectIdOf(object)));
  if (known !== undefined) known.resourceVersion = object.metadata.resourceVersion;
}

function listenerOf(run: Run): DriftListener {
  return {
    detected: (message) => sayDrift(run, 'DriftDetected', message),
    correcting: (drift, version) => recordCorrection(run, drift, version),
    async corrected(message, object) {
      noteCorrection(run, object);
      await sayDrift(run, 'DriftCorrected', message);
    },
    async refused(message) {
      await sayDrift(run, 'DriftDetected', message);
      // The next reconcile applies everything, and fails in the open if that is refused, too.
      run.state.applied = undefined;
    },
  };
}

/**
 * Compares the objects that the watches saw change with their source by a dry-run each, and corrects or reports those
 * that differ; nothing else is applied.
 *
 * @returns when to look again because corrections are spaced out, in milliseconds since the epoch
 * @throws ObjectError when the API server refuses the comparison
 */
export function healDrift(run: Run, target: Target): Promise<number | undefined> {
  return run.deps.healDrift(run.object, {
    target,
    state: run.state,
    mode: driftModeOf(run),
    desired: () => desiredObjects(run, target),
    apply: applyOptionsOf(run, target),
    ignore: ignoreRulesOf(run),
    listener: listenerOf(run),
  });
}

/**
 * Heals drift of what was applied last, before anything new is looked at: a source that cannot be built, or a dependency
 * that is not ready, must not keep drift alive. Does nothing when those objects are no longer in memory.
 */
export async function healBeforeNews(run: Run): Promise<void> {
  if (run.state.drifted.size === 0 || cachedBuild(run) === undefined) return;
  try {
    await healDrift(run, await run.deps.clusters.targetOf(run.object, run.signal));
  } catch (error) {
    run.ctx.signal.throwIfAborted();
    run.ctx.logger.error({ error: run.masker.mask(errorMessage(error)) }, 'Drift was not healed');
  }
}
