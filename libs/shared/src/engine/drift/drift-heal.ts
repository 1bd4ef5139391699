import type { KubeObject } from '@sluice/shared/api';
import { mapConcurrently } from '@sluice/shared/base';
import { type ApiResource, gvkOf, isNotFound, keyOf } from '@sluice/shared/kube';
import type { ApplyOptions } from '../apply/apply-context.ts';
import { objectError } from '../apply/apply-error.ts';
import { applyObjects } from '../apply/apply-objects.ts';
import { formatObjectId, objectIdOf } from '../object/object-id.ts';
import { isLeftAlone } from '../object/object-policy.ts';
import type { Applier, Target } from '../owner/clusters.ts';
import type { DriftBackoff } from './drift-backoff.ts';
import { confirmDrift, type Drift } from './drift-confirm.ts';
import { describeDrift, howToEndDeletions } from './drift-describe.ts';
import type { DriftIgnoreRule } from './drift-ignore.ts';
import { type DriftState, forgetOwnWrites } from './drift-notice.ts';
import { describeRivals } from './drift-rivals.ts';

/** What is to be done about drift. */
export type DriftMode = 'enabled' | 'warn' | 'disabled';

/** What happened to a drifted object. */
export type DriftOutcome = 'detected' | 'delayed' | 'corrected';

/**
 * Milliseconds until an object that has moved is looked at again, doubled with each look: its new owner may turn out not
 * to have it, as when it has only just said that it is about to apply it, and is refused.
 */
const firstMovedCheckMs = 1000;
const lastMovedCheckMs = 30_000;

/** What the healing of all owners shares. */
export interface HealerOptions {
  backoff: DriftBackoff;
  /** Milliseconds since the epoch. */
  now(): number;
  /** Whether the labels of a live object name another owner, who has it: then it has moved there. */
  isMoved(owner: Applier, live: KubeObject): Promise<boolean>;
  /** Counts what became of an object, by the key of its owner. */
  count(owner: string, outcome: DriftOutcome): void;
}

/** How to heal the drift of one owner. */
export interface HealOptions {
  target: Target;
  state: DriftState;
  mode: DriftMode;
  /** Returns the objects as they should be, by formatted id; asked for only when there is drift. */
  desired(): Promise<ReadonlyMap<string, KubeObject>>;
  apply: ApplyOptions;
  /** Fields that are exempt. */
  ignore: DriftIgnoreRule[];
  listener: DriftListener;
}

/** Hears of what is found and done. */
export interface DriftListener {
  /** Drift that stays for now, or all the time; told once for each state of an object. */
  detected(message: string): Promise<void>;
  /**
   * An object is about to be corrected.
   *
   * @param version resource version of the object; undefined when it is gone
   */
  correcting(drift: Drift, version: string | undefined): Promise<void>;
  /** @param object as the correction has left it */
  corrected(message: string, object: KubeObject): Promise<void>;
  /** An object could not be corrected. */
  refused(message: string): Promise<void>;
}

/** The healing of one owner's drift. */
interface Healing extends HealOptions, HealerOptions {
  owner: Applier;
  /** Of the owner. */
  key: string;
}

async function correct(
  o: Healing,
  { desired, live, drift }: { desired: KubeObject; live: KubeObject | undefined; drift: Drift },
): Promise<void> {
  await o.listener.correcting(drift, live?.metadata.resourceVersion);
  const { changes, failures } = await applyObjects([desired], { ...o.apply, takeOver: 'nothing' });
  const [failure] = failures;
  if (failure !== undefined) {
    await o.listener.refused(
      `${describeDrift(drift)}; it could not be corrected: ${failure.error.message}`,
    );
    return;
  }
  const text = formatObjectId(drift.id);
  const { object } = changes[0] ?? { object: desired };
  o.target.cluster.applied.record(o.key, [object], { ignore: o.ignore });
  o.backoff.corrected(`${o.key} ${text}`, drift.deleted ? 'deletion' : 'change');
  o.count(o.key, 'corrected');
  o.state.reported.delete(text);
  const done = drift.deleted ? 'created again' : 'corrected';
  await o.listener.corrected(`${describeDrift(drift)}; ${done}`, object);
}

/** What is expected is not there yet: no version of the object holds it. */
function remember(o: Healing, expected: KubeObject): void {
  const metadata = { ...expected.metadata, resourceVersion: undefined };
  o.target.cluster.applied.record(o.key, [{ ...expected, metadata }], { ignore: o.ignore });
}

async function report(o: Healing, text: string, message: string): Promise<void> {
  if (o.state.reported.get(text) === message) return;
  o.state.reported.set(text, message);
  await o.listener.detected(message);
}

/** Fetches as the owner's account what the watches may not show: it may be gone, or name somebody else. */
async function fetchDrifted(
  o: Healing,
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

/** Says who holds the drifted fields, which the watches do not show; nothing when that cannot be known. */
async function rivalsOf(
  o: Healing,
  { resource, desired, drift }: { resource: ApiResource; desired: KubeObject; drift: Drift },
): Promise<string> {
  const live = await fetchDrifted(o, resource, desired).catch(() => undefined);
  o.apply.signal?.throwIfAborted();
  const { fieldManager } = o.apply.identity;
  const rivals = live === undefined ? '' : describeRivals(live, drift, fieldManager);
  return rivals === '' ? '' : `. They are held by ${rivals}`;
}

function movedCheckMs({ state }: Healing, text: string): number {
  const last = state.moved.get(text);
  const next = last === undefined ? firstMovedCheckMs : Math.min(last * 2, lastMovedCheckMs);
  state.moved.set(text, next);
  return next;
}

/** Handles one object; returns the milliseconds after which it has to be looked at again, if so. */
async function healObject(o: Healing, desired: KubeObject): Promise<number | undefined> {
  const { applied } = o.target.cluster;
  const id = objectIdOf(desired);
  const text = formatObjectId(id);
  const owner = applied.ownerOf(id);
  // Another owner has applied it since: correcting it would take it back, and prune it later.
  if (owner !== undefined && owner !== o.key) return undefined;
  const resource = await o.target.client.mapper.resourceFor(gvkOf(desired));
  const watched = o.target.live.get(resource, desired.metadata);
  const live = watched ?? (await fetchDrifted(o, resource, desired));
  if (isLeftAlone(desired, live, o.apply.identity.annotationPrefix)) return undefined;
  if (live !== undefined && watched === undefined && (await o.isMoved(o.owner, live)))
    return movedCheckMs(o, text);
  o.state.moved.delete(text);
  // What was applied by an earlier process, or not by a server-side apply, shows only in a comparison.
  const isKnown = owner === o.key;
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
  o.count(o.key, 'detected');
  if (o.mode === 'warn') {
    await report(o, text, describeDrift(drift));
    if (live !== undefined) applied.accept(live, id);
    return undefined;
  }
  const undoing = drift.deleted ? 'deletion' : 'change';
  const { delayMs, message } = o.backoff.verdict(`${o.key} ${text}`, undoing);
  if (delayMs > 0) {
    o.count(o.key, 'delayed');
    const more = drift.deleted
      ? `. ${howToEndDeletions(desired)}`
      : await rivalsOf(o, { resource, desired, drift });
    await report(o, text, `${describeDrift(drift)}; ${message}${more}`);
    return delayMs;
  }
  await correct(o, { desired, live, drift });
  return undefined;
}

/** Takes the objects that have to be looked at now. */
function takeDrifted({ state, now }: Healing): string[] {
  const due = [...state.delayed].filter(([, at]) => at <= now()).map(([text]) => text);
  const taken = new Set([...state.drifted.keys(), ...due]);
  state.drifted.clear();
  for (const text of due) state.delayed.delete(text);
  return [...taken];
}

async function heal(o: Healing): Promise<number | undefined> {
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
    await forgetOwnWrites(o.target, state);
  }
  return state.delayed.size === 0 ? undefined : Math.min(...state.delayed.values());
}

/**
 * Compares the objects of an owner that the watches saw change with what they should be by a dry-run each, and corrects
 * or reports those that differ; nothing else is applied.
 *
 * @returns when to look again because corrections are spaced out, in milliseconds since the epoch
 * @throws ObjectError when the API server refuses the comparison
 */
export type HealDrift = (owner: Applier, o: HealOptions) => Promise<number | undefined>;

/** Makes what heals the drift of all owners. */
export function createHealer(shared: HealerOptions): HealDrift {
  return (owner, o) => heal({ ...shared, ...o, owner, key: keyOf(owner) });
}
