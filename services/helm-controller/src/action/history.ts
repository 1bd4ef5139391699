import type { Release } from '../release/release.ts';
import { ReleaseGoneError } from '../release/storage.ts';
import type { ActionContext } from './context.ts';

/** Deletes the oldest revisions; there cannot be too many while the numbers are small. */
export async function pruneHistory(
  ctx: ActionContext,
  { name, version }: Release,
  maxHistory: number,
): Promise<void> {
  if (maxHistory > 0 && version > maxHistory) await ctx.storage.prune(name, maxHistory);
}

/** Marks a revision as followed by another one; there is nothing to mark when its record was deleted. */
export async function supersede(ctx: ActionContext, release: Release): Promise<void> {
  release.info.status = 'superseded';
  try {
    await ctx.storage.update(release);
  } catch (error) {
    if (!(error instanceof ReleaseGoneError)) throw error;
  }
}

/**
 * Marks all other revisions that count as deployed, of which there may be several after an interruption.
 *
 * @param present the revision that is left out
 */
export async function supersedeDeployed(ctx: ActionContext, present: Release): Promise<void> {
  for (const revision of await ctx.storage.revisions(present.name)) {
    if (revision.status !== 'deployed' || revision.version === present.version) continue;
    const release = await ctx.storage.read(revision);
    if (release !== undefined) await supersede(ctx, release);
  }
}
