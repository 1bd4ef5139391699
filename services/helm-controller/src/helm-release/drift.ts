import type { KubeObject } from '@sluice/shared/api';
import { releaseOf } from '@sluice/shared/applier';
import { errorMessage, mapConcurrently } from '@sluice/shared/base';
import {
  type DriftListener,
  type DriftMode,
  objectIdOf,
  removesItself,
  type Target,
} from '@sluice/shared/engine';
import { isForbidden } from '@sluice/shared/kube';
import { idOf, type ReleaseObject, resolveObjects, withOwnership } from '../action/objects.ts';
import type { Release } from '../release/release.ts';
import { driftSettingOf, ignoreRulesOf, isExempt } from './action-context.ts';
import { recordCorrection } from './audit.ts';
import { sayDrift } from './events.ts';
import { type Run, storageOf, targetOf } from './run.ts';
import { driftedCondition, latestSnapshot, setCondition } from './status.ts';

/** Returns what to do about drift; nothing is the default, as in Flux. */
export function driftModeOf({ object }: Run): DriftMode {
  return object.spec.driftDetection?.mode ?? 'disabled';
}

/** Returns the objects of a release as they are applied, in the order of the manifest, and their resources. */
async function releaseObjects(
  run: Run,
  { client }: Target,
  release: Release,
): Promise<ReleaseObject[]> {
  const owner = { name: run.object.metadata.name, namespace: run.object.metadata.namespace ?? '' };
  const resolved = await resolveObjects(client, release);
  return resolved.map((item) => ({ ...item, object: withOwnership(item.object, release, owner) }));
}

/** Returns the objects to compare by id: those that neither release nor cluster exempt. */
function comparable(
  { live: watches }: Target,
  objects: readonly ReleaseObject[],
): Map<string, KubeObject> {
  const found = objects.filter(({ object, resource }) => {
    const live = watches.get(resource, object.metadata);
    return !isExempt(object) && !(live !== undefined && isExempt(live));
  });
  return new Map(found.map((item) => [idOf(item), item.object]));
}

/** Whether the condition says so already, as after a restart. */
function wasReported(run: Run, message: string): boolean {
  const condition = run.ctx.status.getCondition(driftedCondition);
  return condition?.status === 'True' && condition.message.includes(run.masker.mask(message));
}

function listenerOf(run: Run, refusals: string[]): DriftListener {
  return {
    async detected(message) {
      if (!wasReported(run, message)) await sayDrift(run, 'DriftDetected', message);
    },
    correcting: (drift, version) => recordCorrection(run, drift, version),
    corrected: (message) => sayDrift(run, 'DriftCorrected', message),
    async refused(message) {
      refusals.push(message);
      // The next reconcile compares everything, and tries again.
      run.state.inSync = undefined;
      await sayDrift(run, 'DriftDetected', message);
    },
  };
}

function noteDrifted(run: Run, refusals: readonly string[]): void {
  const open = [...run.state.reported.values(), ...refusals];
  if (open.length === 0) {
    const message = 'No drift detected against the cluster state';
    setCondition(run, driftedCondition, { status: 'False', reason: 'NoDriftDetected', message });
    return;
  }
  const snapshot = latestSnapshot(run);
  const shown = snapshot === undefined ? '' : ` of ${releaseOf(snapshot)}`;
  const message = `The cluster differs from the manifest${shown}:\n${open.join('\n')}`;
  setCondition(run, driftedCondition, { status: 'True', reason: 'DriftDetected', message });
}

async function heal(
  run: Run,
  target: Target,
  desired: () => Promise<Map<string, KubeObject>>,
): Promise<number | undefined> {
  const { ctx, deps, state } = run;
  const refusals: string[] = [];
  const ignore = ignoreRulesOf(run);
  const lookAgainAt = await deps.healDrift(run.object, {
    target,
    state,
    mode: driftModeOf(run),
    desired,
    apply: {
      client: target.client,
      identity: deps.settings.identity,
      force: false,
      concurrency: deps.settings.concurrentApplies,
      signal: ctx.signal,
      ignore,
      live: target.live,
    },
    ignore,
    listener: listenerOf(run, refusals),
  });
  noteDrifted(run, refusals);
  if (state.drifted.size > 0) deps.revisit(ctx.key, 'drift');
  return lookAgainAt === undefined ? undefined : Math.max(0, lookAgainAt - ctx.clock.now());
}

/**
 * Corrects or reports the objects that the watches saw change since the release was found to be as desired.
 *
 * @returns when to look again in milliseconds; undefined when the interval will do
 */
export async function healReleaseDrift(run: Run): Promise<number | undefined> {
  const { state } = run;
  if (driftModeOf(run) === 'disabled') return undefined;
  if (state.drifted.size === 0 && state.delayed.size === 0) return undefined;
  const target = await targetOf(run);
  return heal(run, target, async () => {
    const release = await (await storageOf(run)).last(run.releaseName);
    if (release === undefined) return new Map();
    return comparable(target, await releaseObjects(run, target, release));
  });
}

/**
 * Marks the objects that have to be compared: those of which it is not known what they held, and those that changed
 * while nobody looked, such as during an action.
 */
async function markSuspects(
  run: Run,
  { cluster, live: watches }: Target,
  objects: readonly ReleaseObject[],
): Promise<void> {
  const { state, ctx, deps } = run;
  await mapConcurrently(objects, deps.settings.concurrentApplies, async (item) => {
    const { object, resource } = item;
    await watches.ensure(resource, object.metadata.namespace).catch((error: unknown) => {
      // Who may not watch was told so by the watches, once.
      const level = isForbidden(error) ? 'debug' : 'warn';
      ctx.logger[level]({ error: errorMessage(error) }, 'Kind is not watched for drift');
    });
    const text = idOf(item);
    const id = objectIdOf(object);
    const live = watches.get(resource, object.metadata);
    // One that is gone before anybody watched it has done its work, as far as can be known.
    if (live === undefined && removesItself(object)) return;
    const isKnown = cluster.applied.ownerOf(id) === ctx.key;
    // The watch may not have caught up with our own apply yet.
    if (isKnown && live !== undefined && cluster.applied.predates(live, id)) return;
    const isSuspect = !isKnown || cluster.applied.isDrifted(live, id);
    if (isSuspect && !state.delayed.has(text)) state.drifted.set(text, id);
  });
}

/**
 * Compares the objects of the release with the cluster, as far as it is not known that they are as they should be. From
 * then on, the watches tell.
 *
 * @returns when to look again in milliseconds; undefined when the interval will do
 */
export async function compareRelease(run: Run, release: Release): Promise<number | undefined> {
  const { state, ctx } = run;
  const setting = driftSettingOf(run);
  const target = await targetOf(run);
  if (state.driftSetting !== setting) {
    target.cluster.applied.forget(ctx.key);
    state.reported.clear();
    state.driftSetting = setting;
  }
  if (driftModeOf(run) === 'disabled') {
    target.live.keepOnly([]);
    return undefined;
  }
  const objects = await releaseObjects(run, target, release);
  target.live.keepOnly(objects.map(({ object }) => objectIdOf(object)));
  await markSuspects(run, target, objects);
  return heal(run, target, async () => comparable(target, objects));
}
