import type { KubeObject } from '@sluice/shared/api';
import { mapConcurrently } from '@sluice/shared/base';
import { displayName, isConflict, isNotFound, objectError } from '@sluice/shared/kube';
import { sortByKind, uninstallOrder } from '../release/kind-order.ts';
import { isKept } from '../release/manifest.ts';
import type { Release } from '../release/release.ts';
import { batchesOf } from './apply-release.ts';
import type { ActionContext } from './context.ts';
import type { ReleaseObject } from './objects.ts';
import { findMetadata, ownershipProblem } from './ownership.ts';

/** What becomes of the dependants of deleted objects. */
export type Propagation = 'background' | 'foreground' | 'orphan';

const propagations = {
  background: 'Background',
  foreground: 'Foreground',
  orphan: 'Orphan',
} as const;

/** Attempts to delete an object that is replaced by another of the same name meanwhile. */
const maxAttempts = 3;

/** An object whose deletion was requested. */
export interface DeletedObject extends ReleaseObject {
  uid: string;
  /** Whether the shared watches know it, and so will tell when it is gone. */
  watched: boolean;
}

/** What deletions have come to. */
export interface DeletionReport {
  deleted: DeletedObject[];
  /** Names of objects that stay, and why. */
  kept: string[];
  failures: Error[];
}

/** How to delete. */
export interface DeletionOptions {
  propagation: Propagation;
  /** Deletes only what says that it belongs to this release; everything when undefined. */
  release?: Pick<Release, 'name' | 'namespace'>;
}

/**
 * Deletes objects, kinds one after another in the order in which Helm uninstalls them. Objects with the policy `keep`
 * in manifest or cluster stay, and those that do not say that they belong to the release. Deletion is requested, not
 * awaited; what is refused does not keep the rest from being deleted.
 *
 * @throws the signal's reason when aborted, nothing else
 */
export async function deleteObjects(
  ctx: ActionContext,
  objects: readonly ReleaseObject[],
  options: DeletionOptions,
): Promise<DeletionReport> {
  const report: DeletionReport = { deleted: [], kept: [], failures: [] };
  if (objects.length === 0) return report;
  const kinds = objects.map((item) => ({ ...item, kind: item.object.kind }));
  await ctx.slots.run(async () => {
    for (const batch of batchesOf(sortByKind(kinds, uninstallOrder))) {
      await mapConcurrently(batch, ctx.concurrency, async ({ object, resource }) => {
        ctx.signal.throwIfAborted();
        try {
          await deleteObject(ctx, { object, resource }, options, report);
        } catch (error) {
          ctx.signal.throwIfAborted();
          report.failures.push(objectError(object, 'delete', error));
        }
      });
    }
  });
  return report;
}

async function deleteObject(
  ctx: ActionContext,
  item: ReleaseObject,
  { propagation, release }: DeletionOptions,
  report: DeletionReport,
): Promise<void> {
  const { client, signal } = ctx;
  const { object, resource } = item;
  const name = displayName(object);
  for (let attempt = 1; ; attempt++) {
    const found = await find(ctx, item, attempt === 1);
    if (found === undefined) return;
    const reason = reasonToKeep(object, found.object, release);
    if (reason !== undefined) {
      report.kept.push(`${name}: ${reason}`);
      return;
    }
    const { uid = '' } = found.object.metadata;
    try {
      const mode = propagations[propagation];
      await client.delete(resource, object.metadata, { uid, propagation: mode, signal });
      report.deleted.push({ ...item, uid, watched: found.watched });
      return;
    } catch (error) {
      if (isNotFound(error)) return;
      // Another object of that name stands there now, which has to be looked at anew.
      if (!isConflict(error) || attempt >= maxAttempts) throw error;
    }
  }
}

/** Finds an object, in the shared watches if they may be trusted to have it, which spares a request. */
async function find(
  ctx: ActionContext,
  item: ReleaseObject,
  trustsWatches: boolean,
): Promise<{ object: KubeObject; watched: boolean } | undefined> {
  const known = ctx.cluster.live.get(item.resource, item.object.metadata);
  if (known !== undefined && trustsWatches) return { object: known, watched: true };
  const object = await findMetadata(ctx, item);
  if (object === undefined) return undefined;
  return { object, watched: known?.metadata.uid === object.metadata.uid };
}

function reasonToKeep(
  object: KubeObject,
  live: KubeObject,
  release: DeletionOptions['release'],
): string | undefined {
  if (release === undefined) return undefined;
  if (isKept(object) || isKept(live)) return 'its annotation helm.sh/resource-policy is keep';
  const problem = ownershipProblem(live, release);
  return problem && `it is not owned by this release: ${problem}`;
}
