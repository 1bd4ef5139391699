import type { Release } from '../release/release.ts';
import type { StoredRevision } from '../release/release-secret.ts';
import { fieldManager } from '../release/storage.ts';
import { collectRelease } from './collect.ts';
import { inventoryOf } from './perform.ts';
import { chartCrds } from './render.ts';
import { type Run, storageOf } from './run.ts';
import { latestSnapshot, summarize } from './status.ts';

/**
 * Whether a release that status.history does not know may be one that this controller, or that of Flux, has made, and
 * that it could not note because the process ended. Post-renderers leave no trace in a release by which it could be told
 * that it is as desired.
 */
export function couldBeOwnWork(run: Run, release: Release, { writer }: StoredRevision): boolean {
  const { postRenderers, commonMetadata } = run.object.spec;
  return (
    writer.manager === fieldManager &&
    release.info.status === 'deployed' &&
    postRenderers === undefined &&
    commonMetadata === undefined
  );
}

/** Notes and announces such a release, as would have been done at the end of its action. */
export async function noteOwnWork(run: Run, release: Release): Promise<void> {
  const before = latestSnapshot(run);
  const storage = await storageOf(run);
  const former = before && (await storage.get(before.name, before.version));
  const action = release.info.description === 'Install complete' ? 'install' : 'upgrade';
  await collectRelease(run, action, {
    release,
    others: former === undefined ? [] : [former],
    inventory: await inventoryOf(run, release, chartCrds(run)),
    error: undefined,
  });
  summarize(run);
}
