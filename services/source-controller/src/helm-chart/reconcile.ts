import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Artifact } from '@sluice/shared/api';
import { done, type Outcome } from '@sluice/shared/runtime';
import {
  artifactInStorageCondition,
  buildFailedCondition,
  fetchFailedCondition,
  succeededReason,
} from '../source/names.ts';
import { withProgress } from '../source/progress.ts';
import { adopt, commitArtifact, placeArtifact, writeArtifact } from '../source/publish.ts';
import { ownerOf } from '../source/source.ts';
import { hadFailed, phase } from '../source/status.ts';
import { checkStored } from '../source/stored.ts';
import { writeContent } from '../source/write-content.ts';
import { checkVerifySpec } from '../verification/check-spec.ts';
import { chartOperation } from './chart-errors.ts';
import type { HelmChartContext, HelmChartDeps } from './deps.ts';
import { findSource, refuseUnverifiable, withArtifact } from './find-source.ts';
import { type ChartPlan, type MadeChart, summaryOf } from './plan.ts';
import { planLocal } from './plan-local.ts';
import { planRemote } from './plan-remote.ts';

/** Reasons of charts that were stored as they were found, and of those that were packed here. */
const chartPulledReason = 'ChartPullSucceeded';
const chartPackagedReason = 'ChartPackageSucceeded';

/**
 * Keeps the artifact of a HelmChart at the chart that its spec leads to: finds the version, and only if it is
 * another one, or the spec changed, downloads or packs the chart and stores it.
 */
export async function reconcileHelmChart(
  context: HelmChartContext,
  deps: HelmChartDeps,
): Promise<Outcome> {
  const { object, status } = context;
  await checkStored(context, deps.store);
  status.removeCondition(buildFailedCondition);
  const source = await phase(status, fetchFailedCondition, async () => {
    checkVerifySpec(context, object.spec.verify, deps.verification);
    const found = findSource(context, deps.sources);
    refuseUnverifiable(context, found);
    return found;
  });
  observe(context, source.revision);
  if ('repository' in source) {
    const plan = await phase(status, fetchFailedCondition, () =>
      chartOperation(() => planRemote(context, deps, source.repository)),
    );
    return carryOut(context, deps, plan);
  }
  const from = `${source.artifact.digest} ${object.metadata.generation}`;
  if (isMadeFrom(context, deps, from)) {
    await keep(context, deps);
    return done();
  }
  const outcome = await fromArtifact(context, deps, source.artifact);
  deps.madeFrom.set(context.key, from);
  return outcome;
}

function observe({ status: { status } }: HelmChartContext, revision: string | undefined): void {
  if (revision === undefined) delete status.observedSourceArtifactRevision;
  else status.observedSourceArtifactRevision = revision;
}

/** Whether the stored chart is that of the same artifact and spec. */
function isMadeFrom(
  { key, status }: HelmChartContext,
  { madeFrom }: HelmChartDeps,
  from: string,
): boolean {
  return madeFrom.get(key) === from && status.status.artifact !== undefined && !hadFailed(status);
}

async function fromArtifact(
  context: HelmChartContext,
  deps: HelmChartDeps,
  artifact: Artifact,
): Promise<Outcome> {
  const { status, signal } = context;
  deps.madeFrom.delete(context.key);
  const { dir, release } = await phase(status, fetchFailedCondition, () =>
    withArtifact(deps.store, artifact, () => deps.unpacked.acquire(artifact, signal)),
  );
  try {
    const plan = await phase(status, fetchFailedCondition, () =>
      chartOperation(() => planLocal(context, deps, artifact, dir)),
    );
    return await carryOut(context, deps, plan);
  } finally {
    release();
  }
}

/** Makes the chart unless it is stored already. */
async function carryOut(
  context: HelmChartContext,
  deps: HelmChartDeps,
  plan: ChartPlan,
): Promise<Outcome> {
  if (isCurrent(context, plan)) {
    await keep(context, deps);
    return done();
  }
  const what = plan.name ?? context.object.spec.chart;
  const { made, artifact } = await withProgress(
    context,
    `new '${what}' chart with version '${plan.version}'`,
    () => makeAndStore(context, deps, plan),
  );
  const { status } = context.status;
  status.observedChartName = made.name;
  if (context.object.spec.ignoreMissingValuesFiles && made.valuesFiles.length > 0) {
    status.observedValuesFiles = made.valuesFiles;
  } else delete status.observedValuesFiles;
  status.url = deps.store.latestUrl(context.object.kind, ownerOf(context.object));
  await adopt(context, deps.announcer, artifact, {
    reason: plan.packed ? chartPackagedReason : chartPulledReason,
    message: summaryOf(plan, made.name, made.valuesFiles),
  });
  return done();
}

function isCurrent({ object, status }: HelmChartContext, plan: ChartPlan): boolean {
  const { artifact, observedGeneration, observedChartName } = status.status;
  return (
    artifact?.revision === plan.version &&
    observedGeneration === object.metadata.generation &&
    (plan.name === undefined || plan.name === observedChartName) &&
    !hadFailed(status)
  );
}

/** Says of a stored chart what was said when it was made. */
async function keep(context: HelmChartContext, deps: HelmChartDeps): Promise<void> {
  const { artifact } = context.status.status;
  if (artifact === undefined) return;
  const said = context.status.getCondition(artifactInStorageCondition);
  const { reason = succeededReason, message = `stored chart of version '${artifact.revision}'` } =
    said ?? {};
  await adopt(context, deps.announcer, artifact, { reason, message });
}

async function makeAndStore(
  context: HelmChartContext,
  deps: HelmChartDeps,
  plan: ChartPlan,
): Promise<{ made: MadeChart; artifact: Artifact }> {
  const dir = await mkdtemp(join(deps.tempDir, 'chart-'));
  try {
    const made = await plan.make(dir);
    return { made, artifact: await storeChart(context, deps, plan, made) };
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

async function storeChart(
  context: HelmChartContext,
  { store }: HelmChartDeps,
  { version: revision, metadata }: ChartPlan,
  { name, content }: MadeChart,
): Promise<Artifact> {
  const place = await placeArtifact(context, store, `${name}-${revision}.tgz`);
  try {
    const options = { algorithm: store.digestAlgorithm, signal: context.signal };
    const packed = await writeArtifact(context, () =>
      writeContent(content, place.temporary, options),
    );
    return await commitArtifact(context, store, place, { ...packed, revision, metadata });
  } finally {
    await place.discard();
  }
}
