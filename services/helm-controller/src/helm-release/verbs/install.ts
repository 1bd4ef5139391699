import type { ActionContext } from '../../action/context.ts';
import { type InstallOptions, install } from '../../action/install.ts';
import type { Release } from '../../release/release.ts';
import type { ActionEnd } from '../action.ts';
import { actionContext, type Part } from '../action-context.ts';
import { inventoryOf } from '../inventory.ts';
import { renderDesired } from '../render.ts';
import type { Run } from '../run.ts';
import { timeoutOf } from '../spec.ts';
import { applyChartCrds, expectedVersions } from './chart-crds.ts';
import { collectRelease } from './collect-release.ts';
import { applyOptionsOf } from './options.ts';
import { endOf, type Verb } from './verb.ts';

function optionsOf(run: Run): InstallOptions {
  const { install: own, targetNamespace } = run.object.spec;
  return {
    ...applyOptionsOf(run, 'install'),
    takeOwnership: !own?.disableTakeOwnership,
    replace: own?.replace ?? false,
    createNamespace: Boolean(targetNamespace && own?.createNamespace),
  };
}

/** Renders what an install makes. @throws RenderError when chart, values or post-renderers are to blame */
export async function renderInstall(run: Run, part: Part, ctx: ActionContext): Promise<Release> {
  const { object, deps } = run;
  const isServerSide = object.spec.install?.serverSideApply ?? !deps.settings.helm3Defaults;
  return renderDesired(run, part, {
    action: 'install',
    revision: 1,
    applyMethod: isServerSide ? 'ssa' : 'csa',
    expected: await expectedVersions(run, ctx, 'install'),
  });
}

async function perform(run: Run, part: Part): Promise<ActionEnd> {
  const more: Partial<ActionEnd> = {};
  return endOf(part, more, async () => {
    const ctx = await actionContext(run, part);
    const release = await renderInstall(run, part, ctx);
    const crds = await applyChartCrds(run, ctx, 'install');
    more.inventory = await inventoryOf(run, release, crds);
    return install(ctx, { release, last: run.last, options: optionsOf(run) });
  });
}

/** Makes the first revision of a release. */
export const installVerb: Verb<'install'> = {
  role: () => 'release',
  timeoutMs: ({ object }) => timeoutOf(object, 'install'),
  perform,
  collect: (run, end) =>
    collectRelease(run, end, {
      action: 'install',
      succeeded: 'InstallSucceeded',
      failed: 'InstallFailed',
    }),
};
