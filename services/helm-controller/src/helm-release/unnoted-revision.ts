import type { Release } from '../release/release.ts';
import type { Action } from './action.ts';
import { holdReleased, inventoryOf } from './inventory.ts';
import { chartCrds } from './render.ts';
import { type Run, storageOf } from './run.ts';
import { latestSnapshot, noteRelease, summarize } from './status.ts';
import { verbOf } from './verbs/verbs.ts';

function actionOf({ info }: Release): Action<'install' | 'upgrade' | 'rollback'> {
  const { rollback_revision: version } = info;
  if (version !== undefined) return { type: 'rollback', version };
  return { type: info.description === 'Install complete' ? 'install' : 'upgrade' };
}

/**
 * Notes a revision that this controller, or that of Flux, has made, and that it could not note because the process
 * ended. What was known before stays: rollbacks need it.
 *
 * @param o.isDesired whether it is what is to be released; its success is announced then, as at the end of its action
 */
export async function noteUnnotedRevision(
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
  if (!isDeployed || (action.type !== 'rollback' && !o.isDesired)) {
    for (const each of others) noteRelease(run, each);
    noteRelease(run, release, action.type);
    return;
  }
  const crds = action.type === 'rollback' ? [] : chartCrds(run);
  const inventory = await inventoryOf(run, release, crds);
  await verbOf(action).collect(run, { release, others, inventory, error: undefined }, action);
  summarize(run);
}
