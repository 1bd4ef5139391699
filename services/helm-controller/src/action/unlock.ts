import { isPending, type Release } from '../release/release.ts';
import type { StoredRevision } from '../release/release-secret.ts';
import type { ActionContext } from './context.ts';
import { ReleaseRecord } from './record.ts';

/**
 * Marks a release as failed that an interrupted action has left pending; any other stays as it is.
 *
 * @param seen the record as it was when the action was found to be dead
 * @returns the release as it is stored
 * @throws ReleaseGoneError, ReleaseChangedError when somebody touched the record since
 */
export async function unlock(
  ctx: Pick<ActionContext, 'storage'>,
  release: Release,
  seen?: StoredRevision,
): Promise<Release> {
  if (!isPending(release)) return release;
  const description = `Release unlocked from stale '${release.info.status}' state`;
  await new ReleaseRecord(ctx, release, seen).settle('failed', description);
  return release;
}
