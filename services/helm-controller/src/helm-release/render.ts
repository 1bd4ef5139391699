import type { KubeObject } from '@sluice/shared/api';
import { withSpan } from '@sluice/shared/runtime';
import { documentObjects } from '../release/manifest.ts';
import type { Release } from '../release/release.ts';
import type { PreviousRelease } from '../render/renderer.ts';
import type { Part } from './action-context.ts';
import { desiredOf, type Run, targetOf } from './run.ts';
import { timeoutOf } from './spec.ts';

/** Which revision to render. */
export interface Rendering {
  action: 'install' | 'upgrade';
  revision: number;
  applyMethod: 'ssa' | 'csa';
  /** What the CRDs of the chart are about to add to what the cluster serves. */
  expected: readonly string[];
  /** Only of an upgrade. */
  previous?: PreviousRelease;
}

/**
 * Renders what is to be released, unless that was done in this reconcile, to see what it would change.
 *
 * @throws RenderError when chart, values or post-renderers are to blame
 */
export async function renderDesired(run: Run, part: Part, o: Rendering): Promise<Release> {
  const { rendered } = run;
  run.rendered = undefined;
  return rendered?.action === o.action ? rendered.release : renderAnew(run, part, o);
}

async function renderAnew(run: Run, part: Part, o: Rendering): Promise<Release> {
  const { object, deps, masker } = run;
  const { chart, values, integers, configDigest } = desiredOf(run);
  const { postRenderers, postRenderStrategy, commonMetadata } = object.spec;
  const skipSchemaValidation = object.spec[o.action]?.disableSchemaValidation ?? false;
  const { client } = await targetOf(run);
  const render = () =>
    deps.renderer.render({
      name: run.releaseName,
      namespace: run.releaseNamespace,
      revision: o.revision,
      previous: o.previous,
      expected: o.expected,
      chartPath: chart.path,
      values,
      integers,
      applyMethod: o.applyMethod,
      skipSchemaValidation,
      enableDns: deps.settings.allowDnsLookups,
      ...((postRenderers || commonMetadata) && {
        postRendering: {
          renderers: postRenderers,
          strategy: postRenderStrategy ?? (deps.settings.helm3Defaults ? 'nohooks' : 'combined'),
          commonMetadata,
        },
      }),
      client,
      share: object.metadata.namespace ?? '',
      timeoutMs: timeoutOf(object, o.action),
      signal: part.signal,
      secrets: masker,
    });
  const { uid = '', generation } = object.metadata;
  const input = [generation, o.revision, chart.digest, configDigest].join(' ');
  return deps.refused.run({ owner: uid, input }, () => {
    deps.metrics.rendered();
    return part.slots.run(() => withSpan('render', {}, render));
  });
}

/** Returns the objects of the chart's folder of CRDs. @throws RetryableError ManifestInvalid */
export function chartCrds(run: Run): KubeObject[] {
  const { chart, values } = desiredOf(run);
  return chart.crds(values).flatMap(({ path, content }) => documentObjects(content, path));
}
