import type { KubeObject } from '@sluice/shared/api';
import { applyCrds } from '../action/apply-crds.ts';
import { type ActionContext, ActionError, type LeftObjects } from '../action/context.ts';
import { install } from '../action/install.ts';
import { rollback } from '../action/rollback.ts';
import { runTests } from '../action/test.ts';
import { uninstall } from '../action/uninstall.ts';
import { unlock } from '../action/unlock.ts';
import { upgrade } from '../action/upgrade.ts';
import type { Release } from '../release/release.ts';
import type { ReleaseStorage } from '../release/storage.ts';
import { actionContext, type Part } from './action-context.ts';
import { describeUpgrade } from './changes.ts';
import type { Doing, FormerRelease } from './doing.ts';
import { inventoryOf } from './inventory.ts';
import {
  crdPolicyOf,
  installMethod,
  installOptionsOf,
  rollbackOptionsOf,
  uninstallOptionsOf,
  upgradeMethod,
  upgradeOptionsOf,
} from './options.ts';
import { chartCrds, renderDesired } from './render.ts';
import type { Run } from './run.ts';
import { timeoutOf } from './spec.ts';
import type { ActionEnd } from './state.ts';
import { draftOf } from './status.ts';

/** Waits for an action on a release, whichever way it ends. Aborts are no end. */
async function endOf(
  part: Part,
  more: Partial<ActionEnd>,
  act: () => Promise<Release | undefined>,
): Promise<ActionEnd> {
  try {
    const release = await act();
    return { others: [], error: undefined, ...more, release };
  } catch (error) {
    part.signal.throwIfAborted();
    const release = error instanceof ActionError ? error.release : undefined;
    return { others: [], ...more, release, error };
  }
}

interface Definition extends KubeObject {
  spec?: {
    group: string;
    names: { kind: string };
    versions: { name: string; served: boolean }[];
  };
}

/** Returns what definitions add to the API versions that templates see. */
function apiVersionsOf(crds: readonly KubeObject[]): string[] {
  return crds.flatMap((crd) => {
    const { spec } = crd as Definition;
    const served = spec?.versions?.filter((version) => version.served) ?? [];
    return served.flatMap(({ name }) => {
      const version = `${spec?.group}/${name}`;
      return [version, `${version}/${spec?.names.kind}`];
    });
  });
}

/** Applies the CRDs of the chart, whose kinds templates then see as served. */
async function applyChartCrds(
  run: Run,
  ctx: ActionContext,
  action: 'install' | 'upgrade',
): Promise<KubeObject[]> {
  const crds = chartCrds(run);
  const hasChanged = await applyCrds(ctx, crds, crdPolicyOf(run.object, action));
  if (hasChanged) run.deps.renderer.learn(ctx.client, apiVersionsOf(crds));
  return crds;
}

async function performInstall(run: Run, part: Part): Promise<ActionEnd> {
  const more: Partial<ActionEnd> = {};
  return endOf(part, more, async () => {
    const ctx = await actionContext(run, part);
    const crds = await applyChartCrds(run, ctx, 'install');
    const release = await renderDesired(run, part, {
      action: 'install',
      revision: 1,
      applyMethod: installMethod(run.object, run.deps.settings.helm3Defaults),
    });
    more.inventory = await inventoryOf(run, release, crds);
    return install(ctx, {
      release,
      last: run.last,
      options: installOptionsOf(run.object, run.deps.settings.helm3Defaults),
    });
  });
}

async function currentOf(storage: ReleaseStorage, last: Release): Promise<Release> {
  if (last.info.status === 'deployed') return last;
  return (await storage.deployed(last.name)) ?? last;
}

async function performUpgrade(run: Run, part: Part): Promise<ActionEnd> {
  const { last, object } = run;
  if (last === undefined) throw new Error('there is no release to upgrade');
  const more: Partial<ActionEnd> = {};
  return endOf(part, more, async () => {
    const ctx = await actionContext(run, part);
    const crds = await applyChartCrds(run, ctx, 'upgrade');
    const current = await currentOf(ctx.storage, last);
    const release = await renderDesired(run, part, {
      action: 'upgrade',
      revision: last.version + 1,
      applyMethod: upgradeMethod(object, last),
      previous: {
        firstDeployed: current.info.first_deployed,
        labels: last.labels,
        ...(object.spec.upgrade?.preserveValues && {
          reuse: { chart: current.chart, config: current.config },
        }),
      },
    });
    more.inventory = await inventoryOf(run, release, crds);
    more.others = [current];
    let left: LeftObjects | undefined;
    const hearing: ActionContext = {
      ...ctx,
      onLeft(objects) {
        left = objects;
      },
    };
    const upgraded = await upgrade(hearing, {
      release,
      current,
      options: upgradeOptionsOf(object, run.deps.settings.helm3Defaults),
    });
    more.changes = describeUpgrade(run, { from: current, to: release, left });
    return upgraded;
  });
}

/** Returns revisions as they are stored now that status.history knows as deployed. */
async function formerlyDeployed(
  run: Run,
  storage: ReleaseStorage,
  present: Release,
): Promise<Release[]> {
  const former = (draftOf(run).history ?? []).filter(
    ({ status, version }) => status === 'deployed' && version !== present.version,
  );
  const releases = await Promise.all(former.map(({ name, version }) => storage.get(name, version)));
  return releases.filter((release) => release !== undefined);
}

async function performRollback(run: Run, part: Part, version: number): Promise<ActionEnd> {
  const more: Partial<ActionEnd> = {};
  return endOf(part, more, async () => {
    const ctx = await actionContext(run, part);
    const last = run.last;
    const to = await ctx.storage.get(run.releaseName, version);
    if (to === undefined || last === undefined)
      throw new ActionError(`revision ${version}, to which to roll back, is gone`);
    more.inventory = await inventoryOf(run, to, []);
    const release = await rollback(ctx, {
      to,
      last,
      options: rollbackOptionsOf(run.object, run.deps.settings.helm3Defaults),
    });
    more.others = await formerlyDeployed(run, ctx.storage, release);
    return release;
  });
}

async function performUninstall(run: Run, part: Part, o: FormerRelease): Promise<ActionEnd> {
  return endOf(part, {}, async () => {
    const ctx = await actionContext(run, part, o.storageNamespace);
    const release = await ctx.storage.last(o.name);
    if (release === undefined) return undefined;
    return uninstall(ctx, { release, options: uninstallOptionsOf(run.object) });
  });
}

async function performTest(run: Run, part: Part): Promise<ActionEnd> {
  return endOf(part, {}, async () => {
    const ctx = await actionContext(run, part);
    const release = run.last;
    if (release === undefined) throw new Error('there is no release to test');
    const { test } = run.object.spec;
    const timeoutMs = timeoutOf(run.object, 'test');
    return runTests(ctx, { release, options: { timeoutMs, filters: test?.filters ?? [] } });
  });
}

async function performUnlock(run: Run, part: Part): Promise<ActionEnd> {
  return endOf(part, {}, async () => {
    if (run.last === undefined) throw new Error('there is no release to unlock');
    return unlock(await actionContext(run, part), run.last);
  });
}

/** Does what was decided; resolves when it has ended, whichever way. @throws the signal's reason when aborted */
export function perform(run: Run, part: Part, doing: Doing): Promise<ActionEnd> {
  switch (doing.type) {
    case 'install':
      return performInstall(run, part);
    case 'upgrade':
      return performUpgrade(run, part);
    case 'rollback':
      return performRollback(run, part, doing.version);
    case 'uninstall': {
      const { releaseName: name, storageNamespace } = run;
      return performUninstall(run, part, doing.former ?? { name, storageNamespace });
    }
    case 'test':
      return performTest(run, part);
    case 'unlock':
      return performUnlock(run, part);
  }
}
