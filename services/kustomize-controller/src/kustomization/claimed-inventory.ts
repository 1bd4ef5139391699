import type { KubeObject } from '@sluice/shared/api';
import { mapConcurrently } from '@sluice/shared/base';
import {
  type AppliedChange,
  applyPolicyOf,
  formatObjectId,
  type InventoryEntry,
  idsOf,
  inventoryOf,
  isExcluded,
  isNamespace,
  mayHaveHappened,
  mergeInventories,
  namedOwner,
  type ObjectFailure,
  objectIdOf,
  type Target,
  withMarks,
} from '@sluice/shared/engine';
import { gvkOf, isNotFound, type KubeClient, NoKindMatchError } from '@sluice/shared/kube';
import type { Run } from './run.ts';
import { jobEntries } from './run-once.ts';

/**
 * Returns what an apply may come to have: what was there before, and everything that it may create or change. Whatever it
 * will pass over is somebody else's, and naming it gives no claim to it.
 *
 * @param before the inventory so far
 */
export async function claimedInventory(
  run: Run,
  target: Target,
  { objects, before }: { objects: KubeObject[]; before: InventoryEntry[] },
): Promise<InventoryEntry[]> {
  const { identity, concurrentApplies } = run.deps.settings;
  const held = idsOf(before);
  const wanted = await mapConcurrently(objects, concurrentApplies, async (object) => {
    if (held.has(formatObjectId(objectIdOf(object)))) return true;
    if (isExcluded(object, identity.annotationPrefix)) return false;
    const policy = applyPolicyOf(object, identity.annotationPrefix);
    return policy !== 'IfNotPresent' || !(await isPresent(run, target, object));
  });
  const claimed = inventoryOf(objects.filter((_, index) => wanted[index]));
  const marked = withMarks(mergeInventories(claimed, before), before);
  const namespaces = objects.filter((object) => isNamespace(objectIdOf(object)));
  return withMarks(marked, await adoptedNamespaces(run, target, { namespaces, held }));
}

/** Returns the entries of namespaces that are new to the Kustomization and there already, unless another one has made them. */
async function adoptedNamespaces(
  run: Run,
  { client }: Target,
  { namespaces, held }: { namespaces: KubeObject[]; held: ReadonlySet<string> },
): Promise<InventoryEntry[]> {
  const { identity } = run.deps.settings;
  const adopted: InventoryEntry[] = [];
  for (const object of namespaces) {
    const [entry] = inventoryOf([object]);
    if (entry === undefined || held.has(entry.id)) continue;
    const { name } = object.metadata;
    const live = await findMetadata(run, client, { ...object, metadata: { name } });
    if (live === undefined) continue;
    const former = namedOwner(live, identity);
    const known = former === undefined ? undefined : run.deps.kustomizations.get(former);
    const theirs = known?.status?.inventory?.entries.find(({ id }) => id === entry.id);
    if (theirs === undefined || theirs.adopted) adopted.push({ ...entry, adopted: true });
  }
  return adopted;
}

/** Returns an object's metadata as the tenant sees it; undefined when there is none, or it may not be looked at. */
export async function findMetadata(
  run: Run,
  client: KubeClient,
  object: KubeObject,
): Promise<KubeObject | undefined> {
  try {
    const resource = await client.mapper.resourceFor(gvkOf(object));
    const options = { metadataOnly: true, signal: run.signal };
    return await client.get<KubeObject>(resource, object.metadata, options);
  } catch {
    run.signal.throwIfAborted();
    return undefined;
  }
}

/** Whether the tenant finds the object; one that cannot be looked at cannot be created with this policy either. */
async function isPresent(run: Run, { client }: Target, object: KubeObject): Promise<boolean> {
  try {
    const resource = await client.mapper.resourceFor(gvkOf(object));
    await client.get(resource, object.metadata, { metadataOnly: true, signal: run.signal });
    return true;
  } catch (error) {
    run.signal.throwIfAborted();
    return !isNotFound(error) && !(error instanceof NoKindMatchError);
  }
}

/** What an apply was given: the objects, what it might come to have, and what was there before. */
export interface AppliedInputs {
  objects: KubeObject[];
  claimed: InventoryEntry[];
  before: InventoryEntry[];
}

/** Returns the entries of what an apply has made its own; of what it has passed over, those that were so before. */
export function appliedInventory(
  changes: AppliedChange[],
  { objects, claimed, before }: AppliedInputs,
): InventoryEntry[] {
  const held = idsOf(before);
  const own = changes.filter(
    ({ id, action }) => action !== 'skipped' || held.has(formatObjectId(id)),
  );
  const jobs = jobEntries(objects, changes);
  return withMarks(withMarks(inventoryOf(own.map(withIdentity)), jobs), claimed);
}

/** Returns what is managed after an apply that failed in part: what was refused is not. */
export function inventoryAfterFailure(
  { changes, failures }: { changes: AppliedChange[]; failures: ObjectFailure[] },
  o: AppliedInputs,
): InventoryEntry[] {
  const uncertain = failures.filter(({ error }) => mayHaveHappened(error));
  const kept = new Set(uncertain.map(({ id }) => formatObjectId(id)));
  const applied = mergeInventories(appliedInventory(changes, o), o.before);
  return mergeInventories(
    applied,
    o.claimed.filter(({ id }) => kept.has(id)),
  );
}

/** A skipped object may be known by its source alone, whose identity is already right. */
function withIdentity({ object, id }: AppliedChange): KubeObject {
  const { namespace, name } = id;
  return { ...object, metadata: { ...object.metadata, name, namespace: namespace || undefined } };
}
