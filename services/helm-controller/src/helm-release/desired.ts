import type { Artifact } from '@sluice/shared/api';
import { forceRequestAnnotation, resetRequestAnnotation } from '@sluice/shared/api';
import { originFacts } from '@sluice/shared/artifact';
import { withSpan } from '@sluice/shared/runtime';
import type { ChartSourceKind } from '../chart/version.ts';
import { type ComposedValues, composeValues } from '../values/compose.ts';
import { valuesDigest } from '../values/digest.ts';
import type { ValuesSource } from '../values/referenced.ts';
import { chartReferenceOf, findSource, resolveSource } from './resolve-source.ts';
import type { Run } from './run.ts';
import type { Desired, RunningAction } from './state.ts';

/** Returns the artifact that values are read from; undefined when it may be missing and is. */
async function artifactOfValues(run: Run, source: ValuesSource): Promise<Artifact | undefined> {
  if (source.optional && (await findSource(run, source)) === undefined) return undefined;
  return resolveSource(run, source);
}

function valuesOf(run: Run): Promise<ComposedValues> {
  const { object, deps, ctx, masker } = run;
  return composeValues({
    object,
    client: ctx.client,
    artifacts: deps.artifacts,
    artifactOf: (source) => artifactOfValues(run, source),
    masker,
    signal: ctx.signal,
  });
}

/** Whether values are others than those of the action under way, or cannot be told any more. */
export async function hasOtherValues(run: Run, { desired }: RunningAction): Promise<boolean> {
  try {
    const { values } = await valuesOf(run);
    return valuesDigest(values, run.deps.settings.digestAlgorithm) !== desired?.configDigest;
  } catch {
    run.ctx.signal.throwIfAborted();
    return true;
  }
}

/**
 * Puts together what is to be released. The chart is held until {@link Desired.release}.
 *
 * @throws RetryableError, StalledError ValuesError, ArtifactFailed
 * @throws WaitingError SourceNotReady
 */
export async function composeDesired(run: Run, artifact: Artifact): Promise<Desired> {
  const { object, deps, ctx } = run;
  const { values, integers } = await valuesOf(run);
  const kind = chartReferenceOf(object).kind as ChartSourceKind;
  const chart = await withSpan('fetch artifact', {}, () =>
    deps.charts.acquire({ kind, artifact }, ctx.signal),
  );
  let holders = 1;
  return {
    chart,
    values,
    integers,
    configDigest: valuesDigest(values, deps.settings.digestAlgorithm),
    ociDigest: chart.revisionDigest,
    origin: originFacts(artifact),
    hold() {
      holders++;
    },
    release() {
      holders--;
      if (holders === 0) chart.release();
    },
  };
}

/** Names what a release is made of, as far as that can be told without reading values or a chart. */
export function fingerprintOf({ object }: Run, artifact: Artifact): string {
  const { uid, generation, annotations } = object.metadata;
  const requests = [forceRequestAnnotation, resetRequestAnnotation].map(
    (annotation) => annotations?.[annotation] ?? '',
  );
  return JSON.stringify([uid, generation, artifact.digest, artifact.revision, ...requests]);
}
