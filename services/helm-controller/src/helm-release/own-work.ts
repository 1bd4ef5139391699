import type { Release } from '../release/release.ts';
import { collectRelease, collectRemediation } from './collect.ts';
import { holdReleased, inventoryOf } from './inventory.ts';
import { chartCrds } from './render.ts';
import { type Run, storageOf } from './run.ts';
import { latestSnapshot, noteRelease, summarize } from './status.ts';

function actionOf({ info }: Release): 'install' | 'upgrade' | 'rollback' {
  if (info.rollback_revision !== undefined) return 'rollback';
  return info.description === 'Install complete' ? 'install' : 'upgrade';
}

/**
 * Notes a revision that this controller, or that of Flux, has made, and that it could not note because the process
 * ended. What was known before stays: rollbacks need it.
 *
 * @param o.isDesired whether it is what is to be released; its success is announced then, as at the end of its action
 */
export async function noteOwnWork(
  run: Run,
  release: Release,
  o: { isDesired: boolean },
): Promise<void> {
  const before = latestSnapshot(run);
  const former = before && (await (await storageOf(run)).get(before.name, before.version));
  const others = former === undefined ? [] : [former];
  const action = actionOf(release);
  const isDeployed = release.info.status === 'deployed';
  if (isDeployed) await holdReleased(run, release);
  const end = { release, others, error: undefined };
  if (isDeployed && action === 'rollback') {
    const inventory = await inventoryOf(run, release, []);
    await collectRemediation(run, action, { ...end, inventory });
  } else if (isDeployed && action !== 'rollback' && o.isDesired) {
    const inventory = await inventoryOf(run, release, chartCrds(run));
    await collectRelease(run, action, { ...end, inventory });
  } else {
    for (const each of others) noteRelease(run, each);
    noteRelease(run, release, action);
    return;
  }
  summarize(run);
}
