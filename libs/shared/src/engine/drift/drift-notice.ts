import { gvkOf } from '@sluice/shared/kube';
import { formatObjectId, type ObjectId, objectIdOf } from '../object/object-id.ts';
import type { Cluster } from '../owner/cluster.ts';
import type { Target } from '../owner/clusters.ts';
import type { LiveChange } from '../owner/live-types.ts';
import { expiredJob } from './job-expiry.ts';

/** What is known of the drift of one owner's objects. */
export interface DriftState {
  /** Objects that a watch saw change, by formatted id. */
  drifted: Map<string, ObjectId>;
  /** Objects whose next correction is put off, and until when in milliseconds since the epoch, by formatted id. */
  delayed: Map<string, number>;
  /** Drift that was reported already, by formatted id. */
  reported: Map<string, string>;
  /** Milliseconds after which an object that has moved to another owner is looked at again, by formatted id. */
  moved: Map<string, number>;
  /** An apply is under way: what the watches see may be our own writes. */
  applying: boolean;
}

/** Makes the state of an owner about whose objects nothing is known. */
export function noDrift(): DriftState {
  return {
    drifted: new Map(),
    delayed: new Map(),
    reported: new Map(),
    moved: new Map(),
    applying: false,
  };
}

/**
 * Whether a Job has removed itself. One that succeeded has done what it is there for; one that failed is made again, but
 * not before an interval is over.
 */
function hasExpired(
  { object, type }: LiveChange,
  cluster: Cluster,
  state: DriftState,
  intervalMs: number,
): boolean {
  const end = type === 'deleted' ? expiredJob(object, Date.now()) : undefined;
  if (end === undefined) return false;
  const id = objectIdOf(object);
  const text = formatObjectId(id);
  state.drifted.delete(text);
  const owner = cluster.applied.ownerOf(id);
  if (end === 'failed') state.delayed.set(text, Date.now() + intervalMs);
  else if (owner !== undefined) cluster.applied.forget(owner, [id]);
  return true;
}

/**
 * Notes an object that no longer holds what was applied, or again does.
 *
 * @param o.intervalMs `spec.interval` of the owner in milliseconds
 * @returns whether that has to be looked at now
 */
export function noteDrift(
  change: LiveChange,
  cluster: Cluster,
  { state, intervalMs }: { state: DriftState; intervalMs: number },
): boolean {
  const { object, type } = change;
  const { applied } = cluster;
  const id = objectIdOf(object);
  const text = formatObjectId(id);
  if (applied.predates(object, id)) return false;
  if (hasExpired(change, cluster, state, intervalMs)) return false;
  if (!applied.isDrifted(type === 'deleted' ? undefined : object, id)) {
    state.drifted.delete(text);
    return false;
  }
  if ((state.delayed.get(text) ?? 0) > Date.now()) return false;
  state.drifted.set(text, id);
  return !state.applying;
}

/** Drops from the objects seen to change those that hold what was applied: the watches saw our own writes. */
export async function forgetOwnWrites(target: Target, state: DriftState): Promise<void> {
  const { live } = target;
  const { applied } = target.cluster;
  for (const [text, id] of [...state.drifted]) {
    const known = applied.lastApply(id);
    if (known === undefined) {
      state.drifted.delete(text);
      continue;
    }
    const gvk = gvkOf({ apiVersion: known.apiVersion, kind: id.kind });
    const resource = await target.client.mapper.resourceFor(gvk);
    const object = live.get(resource, id);
    const isNewer =
      object !== undefined &&
      Number(object.metadata.resourceVersion) > Number(known.appliedVersion);
    // Gone, or no longer named as ours.
    const gone = object === undefined && live.isSynced(resource, id.namespace);
    if (!(isNewer || gone) || (object && !applied.isDrifted(object, id)))
      state.drifted.delete(text);
  }
}
