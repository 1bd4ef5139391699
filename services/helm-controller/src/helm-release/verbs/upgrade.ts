import type { HelmRelease } from '@sluice/shared/api';
import type { ActionContext, LeftObjects } from '../../action/context.ts';
import { type UpgradeOptions, upgrade } from '../../action/upgrade.ts';
import type { Release } from '../../release/release.ts';
import type { ReleaseStorage } from '../../release/storage.ts';
import type { ActionEnd } from '../action.ts';
import { actionContext, type Part } from '../action-context.ts';
import { describeUpgrade } from '../changes.ts';
import { inventoryOf } from '../inventory.ts';
import { renderDesired } from '../render.ts';
import { isAsked } from '../requests.ts';
import type { Run } from '../run.ts';
import { timeoutOf } from '../spec.ts';
import { applyChartCrds, expectedVersions } from './chart-crds.ts';
import { collectRelease } from './collect-release.ts';
import { revisionOptionsOf } from './options.ts';
import { endOf, type Verb } from './verb.ts';

function optionsOf(run: Run): UpgradeOptions {
  const takeOwnership = !run.object.spec.upgrade?.disableTakeOwnership;
  // Who asks for a reconcile wants every object looked at.
  return { ...revisionOptionsOf(run, 'upgrade'), takeOwnership, sendsAll: isAsked(run) };
}

/** Returns how an upgrade applies objects: `auto` keeps to what the release used before. */
function methodOf({ spec }: HelmRelease, before: Release): 'ssa' | 'csa' {
  const asked = spec.upgrade?.serverSideApply ?? 'auto';
  if (asked === 'auto') return before.apply_method === 'ssa' ? 'ssa' : 'csa';
  return asked === 'enabled' ? 'ssa' : 'csa';
}

async function currentOf(storage: ReleaseStorage, last: Release): Promise<Release> {
  if (last.info.status === 'deployed') return last;
  return (await storage.deployed(last.name)) ?? last;
}

/** An upgrade that is yet to be made. */
export interface NextRevision {
  /** The deployed revision, or the last one when none is. */
  current: Release;
  release: Release;
}

/** Renders what an upgrade makes. @throws RenderError when chart, values or post-renderers are to blame */
export async function renderUpgrade(
  run: Run,
  part: Part,
  ctx: ActionContext,
): Promise<NextRevision> {
  const { last, object } = run;
  if (last === undefined) throw new Error('there is no release to upgrade');
  const current = await currentOf(ctx.storage, last);
  const release = await renderDesired(run, part, {
    action: 'upgrade',
    revision: last.version + 1,
    applyMethod: methodOf(object, last),
    expected: await expectedVersions(run, ctx, 'upgrade'),
    previous: {
      firstDeployed: current.info.first_deployed,
      labels: last.labels,
      ...(object.spec.upgrade?.preserveValues && {
        reuse: { chart: current.chart, config: current.config },
      }),
    },
  });
  return { current, release };
}

async function perform(run: Run, part: Part): Promise<ActionEnd> {
  const more: Partial<ActionEnd> = {};
  return endOf(part, more, async () => {
    const ctx = await actionContext(run, part);
    const { current, release } = await renderUpgrade(run, part, ctx);
    const crds = await applyChartCrds(run, ctx, 'upgrade');
    more.inventory = await inventoryOf(run, release, crds);
    more.others = [current];
    let left: LeftObjects | undefined;
    const hearing: ActionContext = {
      ...ctx,
      onLeft(objects) {
        left = objects;
      },
    };
    try {
      return await upgrade(hearing, { release, current, options: optionsOf(run) });
    } finally {
      more.changes = describeUpgrade(run, { from: current, to: release, left });
    }
  });
}

/** Makes the next revision of a release. */
export const upgradeVerb: Verb<'upgrade'> = {
  role: () => 'release',
  timeoutMs: ({ object }) => timeoutOf(object, 'upgrade'),
  perform,
  collect: (run, end) =>
    collectRelease(run, end, {
      action: 'upgrade',
      succeeded: 'UpgradeSucceeded',
      failed: 'UpgradeFailed',
    }),
};
