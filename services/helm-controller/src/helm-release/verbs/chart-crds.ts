import type { HelmRelease, KubeObject } from '@sluice/shared/api';
import { applyCrds, type CrdPolicy, wantedCrds } from '../../action/apply-crds.ts';
import type { ActionContext } from '../../action/context.ts';
import { chartCrds } from '../render.ts';
import type { Run } from '../run.ts';
import type { ReleaseAction } from '../spec.ts';

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

function crdPolicyOf({ spec }: HelmRelease, action: ReleaseAction): CrdPolicy {
  if (action === 'install' && spec.install?.skipCRDs) return 'Skip';
  return spec[action]?.crds ?? (action === 'install' ? 'Create' : 'Skip');
}

/** Returns the CRDs of the chart that an action would apply now. */
export function wantedChartCrds(
  run: Run,
  ctx: ActionContext,
  action: ReleaseAction,
): Promise<KubeObject[]> {
  return wantedCrds(ctx, chartCrds(run), crdPolicyOf(run.object, action));
}

/** Returns what the CRDs of the chart, once applied, add to the API versions that templates see. */
export async function expectedVersions(
  run: Run,
  ctx: ActionContext,
  action: ReleaseAction,
): Promise<string[]> {
  return apiVersionsOf(await wantedChartCrds(run, ctx, action));
}

/** Applies the CRDs of the chart, whose kinds later renderings then see as served. */
export async function applyChartCrds(
  run: Run,
  ctx: ActionContext,
  action: ReleaseAction,
): Promise<KubeObject[]> {
  const crds = chartCrds(run);
  const hasChanged = await applyCrds(ctx, crds, crdPolicyOf(run.object, action));
  if (hasChanged) run.deps.renderer.learn(ctx.client, apiVersionsOf(crds));
  return crds;
}
