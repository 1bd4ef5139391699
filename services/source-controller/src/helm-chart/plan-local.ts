import type { Stats } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Artifact } from '@sluice/shared/api';
import { originFacts, originMetadata } from '@sluice/shared/artifact';
import { StalledError } from '@sluice/shared/base';
import { ChartError } from '../helm/chart-error.ts';
import { inspectAnywhere, packageAnywhere } from '../helm/helm-workers.ts';
import type { ChartMetadata } from '../helm/metadata.ts';
import type { Addition, ChartSource, PackageTask } from '../helm/package-chart.ts';
import { cleanPath } from '../source/clean-path.ts';
import { buildFailedCondition } from '../source/names.ts';
import { phase } from '../source/status.ts';
import { turnOf } from '../source/turn.ts';
import { addDependencies } from './add-dependencies.ts';
import { chartOperation } from './chart-errors.ts';
import type { HelmChartContext, HelmChartDeps } from './deps.ts';
import { artifactVersion, type ChartPlan, type MadeChart, wantedValuesFiles } from './plan.ts';

/** Digits of the source's revision that the version gets: enough to tell revisions apart, and short in labels. */
const revisionDigits = 12;

/** A chart in the unpacked artifact of a source. */
interface LocalChart {
  /** Root of the artifact on the disk. */
  root: string;
  /** Path of the chart below the root; empty for the root itself. */
  path: string;
  source: ChartSource;
}

/**
 * Finds the chart in the artifact of a Git repository or a bucket.
 *
 * @param root directory of the unpacked artifact; must stay until the chart is made
 * @throws ChartError, StalledError `InvalidChartReference` when there is none at the path
 */
export async function planLocal(
  context: HelmChartContext,
  deps: HelmChartDeps,
  artifact: Artifact,
  root: string,
): Promise<ChartPlan> {
  const { object } = context;
  const chart = await findChart(object.spec.chart, root);
  const metadata = await readMetadata(context, chart, deps);
  const byRevision = object.spec.reconcileStrategy === 'Revision';
  const version = artifactVersion(
    object,
    metadata.version,
    byRevision ? shortRevision(artifact.revision) : undefined,
  );
  const isDirectory = 'dir' in chart.source;
  const packed = isDirectory || version !== metadata.version;
  return {
    name: metadata.name,
    version,
    packed,
    metadata: originOf(artifact),
    make: (dir) =>
      packed
        ? pack(context, deps, { chart, version, dir })
        : Promise.resolve({
            name: metadata.name,
            content: join(root, chart.path),
            valuesFiles: [],
          }),
  };
}

/** What the source says of the commit; its revision is no longer that of the artifact. */
function originOf(artifact: Artifact): Record<string, string> {
  const facts = originFacts(artifact);
  if (Object.keys(facts).length === 0) return {};
  return { ...facts, ...originMetadata({ revision: artifact.revision }) };
}

async function findChart(given: string, root: string): Promise<LocalChart> {
  const path = insideRoot(given);
  const stats = await statIfThere(join(root, path));
  if (stats?.isDirectory()) return { root, path, source: { dir: join(root, path) } };
  if (stats?.isFile()) return { root, path, source: { archive: join(root, path) } };
  throw new ChartError(
    'InvalidChartReference',
    `no chart found at path '${given}' of the source: spec.chart must be a directory or a packed chart`,
  );
}

function insideRoot(path: string): string {
  try {
    return cleanPath(path, 'spec.chart');
  } catch (cause) {
    if (!(cause instanceof StalledError)) throw cause;
    throw new ChartError('InvalidChartReference', cause.message, { cause });
  }
}

async function statIfThere(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? '';
    if (['ENOENT', 'ENOTDIR', 'ENAMETOOLONG'].includes(code)) return undefined;
    throw error;
  }
}

/** Without metadata there is no chart at that path, whatever else there is. */
async function readMetadata(
  context: HelmChartContext,
  { source }: LocalChart,
  deps: HelmChartDeps,
): Promise<ChartMetadata> {
  const { limits } = deps;
  try {
    const task = { operation: 'inspect', source, whole: false, limits } as const;
    return (await inspectAnywhere(task, turnOf(context, deps))).metadata;
  } catch (cause) {
    if (!(cause instanceof ChartError)) throw cause;
    throw new ChartError('InvalidChartReference', cause.message, { cause });
  }
}

function shortRevision(revision: string): string {
  const hash = revision.slice(Math.max(revision.lastIndexOf(':'), revision.lastIndexOf('/')) + 1);
  return hash.slice(0, revisionDigits).replace(/[^0-9A-Za-z-]/g, '-');
}

async function pack(
  context: HelmChartContext,
  deps: HelmChartDeps,
  { chart, version, dir }: { chart: LocalChart; version: string; dir: string },
): Promise<MadeChart> {
  const { object, status } = context;
  const { limits, packing, store } = deps;
  const { source, root } = chart;
  const turn = turnOf(context, deps);
  const destination = join(dir, 'chart.tgz');
  const files = wantedValuesFiles(object);
  const ignoreMissing = object.spec.ignoreMissingValuesFiles ?? false;
  const packed = await phase(status, buildFailedCondition, () =>
    chartOperation(async () => {
      const additions = await dependenciesOf(context, deps, chart, dir);
      const task: PackageTask = {
        operation: 'package',
        source,
        version,
        ...(files.length > 0 && { values: { files, ignoreMissing, root } }),
        additions,
        destination,
        algorithm: store.digestAlgorithm,
        limits,
      };
      return packing.run(turn.share, () => packageAnywhere(task, turn), turn.signal);
    }),
  );
  return {
    name: packed.metadata.name,
    content: destination,
    valuesFiles: packed.valuesFiles ?? [],
  };
}

/** A packed chart has its dependencies inside. */
async function dependenciesOf(
  context: HelmChartContext,
  deps: HelmChartDeps,
  { source, root, path }: LocalChart,
  dir: string,
): Promise<Addition[]> {
  if (!('dir' in source)) return [];
  const { limits, packing } = deps;
  const task = { operation: 'inspect', source, whole: true, limits } as const;
  const turn = turnOf(context, deps);
  const inspect = () => inspectAnywhere(task, turn);
  const chart = await packing.run(turn.share, inspect, turn.signal);
  return addDependencies(context, deps, chart, { root, path, dir });
}
