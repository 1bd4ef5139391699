import type { KubeObject } from '@sluice/shared/api';
import {
  confirmedGuard,
  type DeletedObject,
  type DeletionReport,
  deleteObjects,
  displayName,
  protectedGuard,
  protectedName,
} from '@sluice/shared/engine';
import { sortByKind, uninstallOrder } from '../release/kind-order.ts';
import type { Release } from '../release/release.ts';
import { batchesOf } from './apply-release.ts';
import type { ActionContext } from './context.ts';
import { excludedGuard } from './guards/excluded.ts';
import { otherReleaseGuard } from './guards/other-release.ts';
import { resourcePolicyGuard } from './guards/resource-policy.ts';
import type { ReleaseObject } from './objects.ts';

/** What becomes of the dependants of deleted objects. */
export type Propagation = 'background' | 'foreground' | 'orphan';

const propagations = {
  background: 'Background',
  foreground: 'Foreground',
  orphan: 'Orphan',
} as const;

/** An object of a release whose deletion was requested. */
export type DeletedReleaseObject = DeletedObject<ReleaseObject>;

/** Returns lines that say why objects stay. */
export function keptLines(kept: readonly { object: KubeObject; why: string }[]): string[] {
  return kept.map(({ object, why }) => `${displayName(object)}: ${why}`);
}

/** How to delete. */
export interface ReleaseDeletion {
  propagation: Propagation;
  /** Deletes only what says that it belongs to this release; everything when undefined. */
  release?: Pick<Release, 'name' | 'namespace'>;
  /** Only finds out what would be deleted. */
  dryRun?: boolean;
}

/**
 * Deletes objects, kinds one after another in the order in which Helm uninstalls them. What is protected or asks for a
 * confirmation stays, and of a release what its manifest excludes, what has the policy `keep`, and what does not say that
 * it belongs to it.
 * Deletion is requested, not awaited; what is refused does not keep the rest from being deleted.
 *
 * @throws the signal's reason when aborted, nothing else
 */
export async function deleteReleaseObjects(
  ctx: ActionContext,
  objects: readonly ReleaseObject[],
  { propagation, release, dryRun }: ReleaseDeletion,
): Promise<DeletionReport<ReleaseObject>> {
  const { client, live, signal, concurrency, identity } = ctx;
  const items = objects
    // There is nothing to be found under a name that the API server was to make.
    .filter(({ object }) => object.metadata.name !== '')
    .map((item) => ({ ...item, kind: item.object.kind }));
  const ofRelease = release && [
    excludedGuard(identity.annotationPrefix),
    resourcePolicyGuard,
    otherReleaseGuard(release),
  ];
  const remove = () =>
    deleteObjects(sortByKind(items, uninstallOrder), {
      client,
      guards: [
        protectedGuard(ctx.protection),
        ...(ofRelease ?? []),
        confirmedGuard(ctx.protection),
      ],
      stagesOf: batchesOf,
      propagation: propagations[propagation],
      concurrency,
      live,
      dryRun,
      signal,
    });
  const report = await ctx.slots.run(remove);
  if (dryRun) return report;
  for (const { guard, why } of report.kept) if (guard === protectedName) ctx.onKept?.(why);
  return report;
}
