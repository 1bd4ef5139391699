import type { Release } from '../release/release.ts';
import type { StoredRevision } from '../release/release-secret.ts';
import type { ActionContext } from './context.ts';
import { type ReleaseObject, resolveFormerObjects } from './objects.ts';

/**
 * Returns the objects that a release may have in the cluster: those of the revision that counts as the present one, then
 * those which failed or interrupted revisions since the last good one have made and it lacks. Helm forgets the latter.
 *
 * @param before number of the revision that is being made
 */
export async function formerObjects(
  ctx: ActionContext,
  current: Release,
  before: number,
): Promise<ReleaseObject[]> {
  const objects = await resolveFormerObjects(ctx, current);
  if (current.info.status === 'deployed' && current.version === before - 1) return objects;
  const revisions = await ctx.storage.revisions(current.name);
  for (const revision of sinceLastGood(revisions)) {
    if (revision.version === current.version || revision.version >= before) continue;
    const release = await ctx.storage.read(revision);
    if (release !== undefined) objects.push(...(await resolveFormerObjects(ctx, release)));
  }
  return objects;
}

/** Returns the newest deployed revision, or else the newest superseded one, and all that came after it. */
function sinceLastGood(revisions: readonly StoredRevision[]): StoredRevision[] {
  const good =
    revisions.find(({ status }) => status === 'deployed') ??
    revisions.find(({ status }) => status === 'superseded');
  return revisions.filter(({ version }) => version >= (good?.version ?? 0));
}
