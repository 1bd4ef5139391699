import type { KubeObject } from '@sluice/shared/api';
import {
  type ChangePlan,
  changeDigestOf,
  compareObjects,
  isApproval,
  type ProposedChange,
  plannedDeletion,
  planOf,
} from '@sluice/shared/applier';
import { once, sha256Hex } from '@sluice/shared/base';
import {
  formatObjectId,
  inventoryOf,
  objectOfEntry,
  pruneObjects,
  subtractInventory,
  type Target,
} from '@sluice/shared/engine';
import { applyOptionsOf } from './apply.ts';
import { objectsToApply } from './objects-to-apply.ts';
import { pruneOptionsOf } from './prune.ts';
import { type Build, type Run, sourceOf } from './run.ts';

/** Digest of the objects of a build without the decisions about plans among them. */
function contentDigest({ objects, digest }: Build): string {
  if (!objects.some(isApproval)) return digest;
  const others = objects.filter((object) => !isApproval(object));
  return `sha256:${sha256Hex(JSON.stringify(others))}`;
}

/** Returns the digest of what applying a build means: the objects, and where, as whom and how they are applied. */
function digestOfChange({ ctx, object }: Run, build: Build): string {
  const { prune, force = false, kubeConfig, serviceAccountName, targetNamespace } = object.spec;
  const how = [prune, force, kubeConfig, serviceAccountName, targetNamespace];
  return changeDigestOf([ctx.key, contentDigest(build), ...how]);
}

/**
 * Returns what pruning would delete, as it is asked for by a dry-run.
 *
 * @param kept what is to be in the cluster
 * @throws ObjectError, ApiError, ConnectionError when that cannot be found out now
 */
export async function deletionsOf(
  run: Run,
  target: Target,
  kept: KubeObject[],
): Promise<KubeObject[]> {
  if (!run.object.spec.prune) return [];
  const before = run.ctx.status.status.inventory?.entries ?? [];
  const stale = subtractInventory(before, inventoryOf(kept));
  if (stale.length === 0) return [];
  const options = { ...pruneOptionsOf(run, target, stale), dryRun: true };
  const { deleted } = await pruneObjects(stale, options);
  const ids = new Set(deleted.map(formatObjectId));
  return stale.filter(({ id }) => ids.has(id)).map(objectOfEntry);
}

/** Whether this very build was applied by what the status says, before changes were controlled. */
function isApplied({ object }: Run, { digest }: Build): boolean {
  const { status, metadata } = object;
  const [latest] = status?.history ?? [];
  return latest?.digest === digest && status?.observedGeneration === metadata.generation;
}

/** Puts a build before the gate of changes. Nothing is asked of the cluster unless the gate wants to know. */
export function proposeChange(run: Run, target: Target, build: Build): ProposedChange {
  const { object, masker, signal } = run;
  const { status } = object;
  const digest = digestOfChange(run, build);
  const objects = once(() => objectsToApply(run, target, build));
  const deletions = once(async () => deletionsOf(run, target, await objects()));
  const plan = async (): Promise<ChangePlan> => {
    const { client, identity, force, concurrency } = applyOptionsOf(run, target);
    const others = (await objects()).filter((each) => !isApproval(each));
    const ignore = object.spec.ignore ?? [];
    const mask = (text: string) => masker.mask(text);
    const how = { client, identity, force, concurrency, ignore, mask, signal };
    const differences = await compareObjects(others, how);
    return planOf(digest, [...differences, ...(await deletions()).map(plannedDeletion)]);
  };
  return {
    digest,
    revision: sourceOf(run).revision,
    isKnown: isApplied(run, build),
    isComplete: status?.lastAppliedRevision === status?.change?.revision,
    managed: status?.inventory?.entries.length ?? 0,
    deletions: async () => (await deletions()).length,
    plan,
  };
}
