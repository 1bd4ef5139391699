import type { KubeObject } from '@sluice/shared/api';
import { mapConcurrently } from '@sluice/shared/base';
import {
  type ApiResource,
  apiVersionString,
  type GroupVersionKind,
  isNotFound,
  type KubeClient,
  NoKindMatchError,
  type ObjectKey,
} from '@sluice/shared/kube';
import { objectError } from '../apply/apply-error.ts';
import { pruneStagesOf } from '../apply/apply-stages.ts';
import { fieldAt, mapsAt, stringAt } from '../object/object-fields.ts';
import { type ObjectId, parseObjectId } from '../object/object-id.ts';
import { isKeptFromPruning } from '../object/object-policy.ts';
import { type ApplierIdentity, isOwnedBy } from '../owner/applier-identity.ts';
import type { InventoryEntry } from '../owner/inventory.ts';
import { deleteObject } from './delete-object.ts';
import type { Protection } from './deletion-protection.ts';

export interface PruneOptions {
  client: KubeClient;
  identity: ApplierIdentity;
  /** Whose objects may be deleted. */
  owner: ObjectKey;
  /** What must not be deleted whatever its labels say. */
  protection: Protection;
  /** Requests under way at a time. */
  concurrency: number;
  /** What becomes of dependants; `Background` unless told. */
  propagation?: 'Background' | 'Foreground' | 'Orphan';
  signal?: AbortSignal;
}

/** Why an object was left alone: it is gone already, says that it must stay, or is someone else's. */
export type PruneSkip = 'gone' | 'disabled' | 'not owned';

export interface PruneResult {
  /** What is gone, and what had its deletion requested. */
  deleted: ObjectId[];
  /** Of those, what finalizers or a grace period hold for now. */
  terminating: ObjectId[];
  skipped: { id: ObjectId; why: PruneSkip }[];
  /** What is protected, and why; it must stay in the inventory, too. */
  kept: { id: ObjectId; why: string }[];
  /** What must stay in the inventory, to be tried again. */
  failures: { id: ObjectId; error: Error }[];
}

/**
 * Deletes objects in the reverse order of applying, each only if it is not protected, its labels in the cluster name the
 * owner and neither labels nor annotations ask to keep it. Deletion is requested, not awaited.
 *
 * @param entries stale inventory entries
 * @throws RangeError when the id of an entry cannot be read; the signal's reason when aborted; nothing else
 */
export async function pruneObjects(
  entries: InventoryEntry[],
  o: PruneOptions,
): Promise<PruneResult> {
  const result: PruneResult = {
    deleted: [],
    terminating: [],
    skipped: [],
    kept: [],
    failures: [],
  };
  const items = entries.map((entry) => ({ id: parseObjectId(entry.id), version: entry.v }));
  const free = items.filter(({ id }) => {
    const why = o.protection(id);
    if (why !== undefined) result.kept.push({ id, why });
    return why === undefined;
  });
  for (const stage of pruneStagesOf(free)) {
    await mapConcurrently(stage, o.concurrency, async ({ id, version }) => {
      o.signal?.throwIfAborted();
      try {
        const found = await pruneObject({ ...id, version }, o);
        if (typeof found === 'string') result.skipped.push({ id, why: found });
        else result.deleted.push(id);
        if (typeof found !== 'string' && found.stays) result.terminating.push(id);
      } catch (error) {
        o.signal?.throwIfAborted();
        result.failures.push({ id, error: objectError(skeleton(id, version), 'delete', error) });
      }
    });
  }
  return result;
}

type Target = ObjectId & { version: string };

function skeleton(id: ObjectId, version: string): KubeObject {
  const { namespace, name, kind } = id;
  const metadata = namespace === '' ? { name } : { name, namespace };
  return { apiVersion: apiVersionString({ group: id.group, version }), kind, metadata };
}

/** Returns why the object was left alone, or whether it stays for now although its deletion was requested. */
async function pruneObject(
  target: Target,
  o: PruneOptions,
): Promise<PruneSkip | { stays: boolean }> {
  const resource = await resourceOfAnyVersion(target, o);
  // An entry that was made before its kind was known may have a namespace too many; what it names cannot exist, and the
  // object of that name without a namespace may well be wanted.
  if (resource === undefined || resource.namespaced !== (target.namespace !== '')) return 'gone';
  const { client, identity, propagation = 'Background', signal } = o;
  const key = { namespace: target.namespace || undefined, name: target.name };
  const guard = (live: KubeObject): PruneSkip | undefined => {
    if (!isOwnedBy(live, identity, o.owner)) return 'not owned';
    return isKeptFromPruning(live, identity.annotationPrefix) ? 'disabled' : undefined;
  };
  const deletion = await deleteObject({ client, resource, key, guard, propagation, signal });
  if (deletion.type === 'kept') return deletion.why;
  return deletion.type === 'gone' ? 'gone' : deletion;
}

/**
 * Finds the resource of a kind that was applied before, at another version when the recorded one is no longer served;
 * undefined when the group or the kind is gone, and with it all objects.
 */
export async function resourceOfAnyVersion(
  target: GroupVersionKind,
  o: Pick<PruneOptions, 'client' | 'signal'>,
): Promise<ApiResource | undefined> {
  const { group, version, kind } = target;
  try {
    return await o.client.mapper.resourceFor({ group, version, kind });
  } catch (error) {
    if (!(error instanceof NoKindMatchError)) throw error;
  }
  // Discovery leaves out what it could not reach, so absence has to be confirmed by the group itself.
  for (const served of await servedVersions(group, o)) {
    const found = await resourceIn({ group, version: served, kind }, o);
    if (found !== undefined) return found;
  }
  return undefined;
}

async function servedVersions(
  group: string,
  o: Pick<PruneOptions, 'client' | 'signal'>,
): Promise<string[]> {
  if (group === '') return ['v1'];
  try {
    const answer = await o.client.request('GET', `/apis/${group}`, { signal: o.signal });
    return mapsAt(answer, 'versions').map((version) => stringAt(version, ['version']));
  } catch (error) {
    if (isNotFound(error)) return [];
    throw error;
  }
}

async function resourceIn(
  gvk: GroupVersionKind,
  o: Pick<PruneOptions, 'client' | 'signal'>,
): Promise<ApiResource | undefined> {
  const path = gvk.group === '' ? `/api/${gvk.version}` : `/apis/${gvk.group}/${gvk.version}`;
  const answer = await o.client.request('GET', path, { signal: o.signal });
  const found = mapsAt(answer, 'resources').find(
    (resource) => resource['kind'] === gvk.kind && !stringAt(resource, ['name']).includes('/'),
  );
  if (found === undefined) return undefined;
  return {
    ...gvk,
    plural: stringAt(found, ['name']),
    namespaced: fieldAt(found, 'namespaced') === true,
  };
}
