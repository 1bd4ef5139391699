import type { KubeObject } from '@sluice/shared/api';
import { mapConcurrently } from '@sluice/shared/base';
import { type ApiResource, gvkOf, isNotFound } from '@sluice/shared/kube';
import type { ApplyOptions } from '../apply/apply-context.ts';
import { objectError } from '../apply/apply-error.ts';
import { applyObjects } from '../apply/apply-objects.ts';
import { formatObjectId, objectIdOf } from '../object/object-id.ts';
import { applyPolicyOf, isExcluded } from '../object/object-policy.ts';
import type { Target } from '../owner/clusters.ts';
import type { DriftBackoff } from './drift-backoff.ts';
import { confirmDrift, type Drift } from './drift-confirm.ts';
import { describeDrift, howToEndDeletions } from './drift-describe.ts';
import type { DriftIgnoreRule } from './drift-ignore.ts';
import { type DriftState, forgetOwnWrites, type TrackedObject } from './drift-notice.ts';

/** What is to be done about drift. */
export type DriftMode = 'enabled' | 'warn' | 'disabled';

/** What happened to a drifted object. */
export type DriftOutcome = 'detected' | 'delayed' | 'corrected';

/** Milliseconds until an object that has moved is looked at again: its new owner may turn out not to have it. */
const movedCheckMs = 30_000;

/** Whose drift to heal, and how. */
export interface HealOptions {
  /** Key of the owner. */
  owner: string;
  target: Target;
  state: DriftState;
  /** What the owner has applied, by formatted id; brought up to date with each correction. */
  tracked: ReadonlyMap<string, TrackedObject> | undefined;
  mode: DriftMode;
  /** Returns the objects as they should be, by formatted id; asked for only when there is drift. */
  desired(): Promise<ReadonlyMap<string, KubeObject>>;
  apply: ApplyOptions;
  /** Fields that are exempt. */
  ignore: DriftIgnoreRule[];
  backoff: DriftBackoff;
  /** Whether the labels of a live object name another owner, who has it: then it has moved there. */
  isMoved(live: KubeObject): Promise<boolean>;
  /** Milliseconds since the epoch. */
  now(): number;
  listener: DriftListener;
}

/** Hears of what is found and done. */
export interface DriftListener {
  count(outcome: DriftOutcome): void;
  /** Drift that stays for now, or all the time; told once for each state of an object. */
  detected(message: string): Promise<void>;
  corrected(message: string): Promise<void>;
  /** An object could not be corrected. */
  refused(message: string): Promise<void>;
}

async function correct(o: HealOptions, desired: KubeObject, drift: Drift): Promise<void> {
  const { changes, failures } = await applyObjects([desired], { ...o.apply, takeOver: 'nothing' });
  const [failure] = failures;
  if (failure !== undefined) {
    await o.listener.refused(
      `${describeDrift(drift)}; it could not be corrected: ${failure.error.message}`,
    );
    return;
  }
  const text = formatObjectId(drift.id);
  for (const { object } of changes) {
    o.target.cluster.applied.record(o.owner, [object], { ignore: o.ignore });
    const { uid, generation, resourceVersion } = object.metadata;
    const known = o.tracked?.get(formatObjectId(objectIdOf(object)));
    if (known !== undefined) Object.assign(known, { uid, generation, resourceVersion });
  }
  o.backoff.corrected(`${o.owner} ${text}`, drift.deleted ? 'deletion' : 'change');
  o.listener.count('corrected');
  o.state.reported.delete(text);
  const done = drift.deleted ? 'created again' : 'corrected';
  await o.listener.corrected(`${describeDrift(drift)}; ${done}`);
}

/** What is expected is not there yet: no version of the object holds it. */
function remember(o: HealOptions, expected: KubeObject): void {
  const metadata = { ...expected.metadata, resourceVersion: undefined };
  o.target.cluster.applied.record(o.owner, [{ ...expected, metadata }], { ignore: o.ignore });
}

async function report(o: HealOptions, text: string, message: string): Promise<void> {
  if (o.state.reported.get(text) === message) return;
  o.state.reported.set(text, message);
  await o.listener.detected(message);
}

/** Fetches as the owner's account what the watches may not show: it may be gone, or name somebody else. */
async function fetchDrifted(
  o: HealOptions,
  resource: ApiResource,
  desired: KubeObject,
): Promise<KubeObject | undefined> {
  const { signal } = o.apply;
  try {
    return await o.target.client.get<KubeObject>(resource, desired.metadata, { signal });
  } catch (error) {
    if (isNotFound(error)) return undefined;
    signal?.throwIfAborted();
    throw objectError(desired, 'comparison', error);
  }
}

/** Whether the source or the cluster asks to leave an object as it is. */
function isNoneOfOurs(o: HealOptions, desired: KubeObject, live: KubeObject | undefined): boolean {
  const { annotationPrefix } = o.apply.identity;
  if (isExcluded(desired, annotationPrefix)) return true;
  if (live === undefined) return false;
  return (
    isExcluded(live, annotationPrefix) ||
    applyPolicyOf(desired, annotationPrefix) === 'IfNotPresent'
  );
}

/** Handles one object; returns the milliseconds after which it has to be looked at again, if so. */
async function healObject(o: HealOptions, desired: KubeObject): Promise<number | undefined> {
  const { applied } = o.target.cluster;
  const id = objectIdOf(desired);
  const text = formatObjectId(id);
  const owner = applied.ownerOf(id);
  // Another owner has applied it since: correcting it would take it back, and prune it later.
  if (owner !== undefined && owner !== o.owner) return undefined;
  const resource = await o.target.client.mapper.resourceFor(gvkOf(desired));
  const watched = o.target.live.get(resource, desired.metadata);
  const live = watched ?? (await fetchDrifted(o, resource, desired));
  if (isNoneOfOurs(o, desired, live)) return undefined;
  if (live !== undefined && watched === undefined && (await o.isMoved(live))) return movedCheckMs;
  // What was applied by an earlier process, or not by a server-side apply, shows only in a comparison.
  const isKnown = owner === o.owner;
  if (isKnown && live !== undefined && !applied.isDrifted(live, id)) {
    // Where drift is only reported, the live state counts as applied from then on.
    if (o.mode !== 'warn') o.state.reported.delete(text);
    return undefined;
  }
  const { identity, signal } = o.apply;
  const drift = await confirmDrift({
    client: o.target.client,
    identity,
    desired,
    live,
    ignore: o.ignore,
    signal,
    ...(!isKnown && { onExpected: (expected) => remember(o, expected) }),
  });
  if (drift === undefined) {
    o.state.reported.delete(text);
    if (live !== undefined) applied.accept(live, id);
    return undefined;
  }
  o.listener.count('detected');
  if (o.mode === 'warn') {
    await report(o, text, describeDrift(drift));
    if (live !== undefined) applied.accept(live, id);
    return undefined;
  }
  const undoing = drift.deleted ? 'deletion' : 'change';
  const { delayMs, message } = o.backoff.verdict(`${o.owner} ${text}`, undoing);
  if (delayMs > 0) {
    o.listener.count('delayed');
    const fix = drift.deleted ? `. ${howToEndDeletions(desired)}` : '';
    await report(o, text, `${describeDrift(drift)}; ${message}${fix}`);
    return delayMs;
  }
  await correct(o, desired, drift);
  return undefined;
}

/** Takes the objects that have to be looked at now. */
function takeDrifted({ state, now }: HealOptions): string[] {
  const due = [...state.delayed].filter(([, at]) => at <= now()).map(([text]) => text);
  const taken = new Set([...state.drifted.keys(), ...due]);
  state.drifted.clear();
  for (const text of due) state.delayed.delete(text);
  return [...taken];
}

/**
 * Compares the objects that the watches saw change with what they should be by a dry-run each, and corrects or reports
 * those that differ; nothing else is applied.
 *
 * @returns when to look again because corrections are spaced out, in milliseconds since the epoch
 * @throws ObjectError when the API server refuses the comparison
 */
export async function healDrift(o: HealOptions): Promise<number | undefined> {
  const { state } = o;
  const drifted = takeDrifted(o);
  if (o.mode === 'disabled') state.delayed.clear();
  else if (drifted.length > 0) {
    const desired = await o.desired();
    const objects = drifted.flatMap((text) => desired.get(text) ?? []);
    state.applying = true;
    try {
      await mapConcurrently(objects, o.apply.concurrency, async (object) => {
        const delayMs = await healObject(o, object);
        const text = formatObjectId(objectIdOf(object));
        if (delayMs !== undefined) state.delayed.set(text, o.now() + delayMs);
      });
    } finally {
      state.applying = false;
    }
    await forgetOwnWrites(o.target, state, o.tracked);
  }
  return state.delayed.size === 0 ? undefined : Math.min(...state.delayed.values());
}
