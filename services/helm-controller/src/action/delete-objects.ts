import type { KubeObject } from '@sluice/shared/api';
import { mapConcurrently } from '@sluice/shared/base';
import {
  deleteObject,
  displayName,
  isExcluded,
  objectError,
  objectIdOf,
} from '@sluice/shared/engine';
import { sortByKind, uninstallOrder } from '../release/kind-order.ts';
import { isKept } from '../release/manifest.ts';
import type { Release } from '../release/release.ts';
import { batchesOf } from './apply-release.ts';
import type { ActionContext } from './context.ts';
import type { ReleaseObject } from './objects.ts';
import { ownershipProblem } from './ownership.ts';

/** What becomes of the dependants of deleted objects. */
export type Propagation = 'background' | 'foreground' | 'orphan';

const propagations = {
  background: 'Background',
  foreground: 'Foreground',
  orphan: 'Orphan',
} as const;

/** An object whose deletion was requested. */
export interface DeletedObject extends ReleaseObject {
  uid: string;
  /** Whether finalizers or a grace period hold it. */
  stays: boolean;
  /** Whether the shared watches know it, and so will tell when it is gone. */
  watched: boolean;
}

/** An object that was to be deleted, and why it stays. */
export interface KeptObject {
  object: KubeObject;
  why: string;
}

/** Returns lines that say why objects stay. */
export function keptLines(kept: readonly KeptObject[]): string[] {
  return kept.map(({ object, why }) => `${displayName(object)}: ${why}`);
}

/** What deletions have come to. */
export interface DeletionReport {
  deleted: DeletedObject[];
  kept: KeptObject[];
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
 * in manifest or cluster stay, those that are protected, those that the manifest excludes, and those that do not say that
 * they belong to the release. Deletion is requested, not awaited; what is refused does not keep the rest from being
 * deleted.
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
          await deleteOne(ctx, { object, resource }, options, report);
        } catch (error) {
          ctx.signal.throwIfAborted();
          report.failures.push(objectError(object, 'delete', error));
        }
      });
    }
  });
  return report;
}

async function deleteOne(
  ctx: ActionContext,
  { object, resource }: ReleaseObject,
  { propagation, release }: DeletionOptions,
  report: DeletionReport,
): Promise<void> {
  // There is nothing to be found under a name that the API server was to make.
  if (object.metadata.name === '') return;
  const { client, live, identity, signal } = ctx;
  const isProtected = ctx.protection(objectIdOf(object));
  if (isProtected !== undefined) {
    report.kept.push({ object, why: isProtected });
    ctx.onKept?.(isProtected);
    return;
  }
  if (release !== undefined && isExcluded(object, identity.annotationPrefix)) {
    report.kept.push({ object, why: 'its manifest excludes it from being applied' });
    return;
  }
  const key = object.metadata;
  const known = live.get(resource, key);
  const deletion = await deleteObject({
    client,
    resource,
    key,
    known,
    guard: (present) => reasonToKeep(object, present, release),
    propagation: propagations[propagation],
    signal,
  });
  if (deletion.type === 'kept') report.kept.push({ object, why: deletion.why });
  if (deletion.type !== 'deleted') return;
  const watched = known?.metadata.uid === deletion.uid;
  report.deleted.push({ object, resource, uid: deletion.uid, stays: deletion.stays, watched });
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
