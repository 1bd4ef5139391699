import { join } from 'node:path';
import type { HelmRepository } from '@sluice/shared/api';
import { ChartError } from '../helm/chart-error.ts';
import { inspectAnywhere, packageAnywhere } from '../helm/helm-workers.ts';
import type { PackageTask } from '../helm/package-chart.ts';
import { buildFailedCondition, fetchFailedCondition } from '../source/names.ts';
import { phase } from '../source/status.ts';
import { turnOf } from '../source/turn.ts';
import { chartOperation } from './chart-errors.ts';
import type { HelmChartContext, HelmChartDeps } from './deps.ts';
import { openRepository } from './open-repository.ts';
import { artifactVersion, type ChartPlan, type MadeChart, wantedValuesFiles } from './plan.ts';
import type { OfferedChart } from './repository.ts';

/** What names of charts in repositories look like; registries keep them in folders. */
const namePattern = /^[a-z0-9][a-z0-9._-]*(?:\/[a-z0-9][a-z0-9._-]*)*$/i;

/**
 * Finds the chart of a HelmRepository that the spec asks for.
 *
 * @throws ReconcileError with the reason of what is wrong
 */
export async function planRemote(
  context: HelmChartContext,
  deps: HelmChartDeps,
  object: HelmRepository,
): Promise<ChartPlan> {
  const { spec } = context.object;
  if (!namePattern.test(spec.chart)) {
    throw new ChartError(
      'InvalidChartReference',
      `invalid chart name '${spec.chart}': letters, digits, '-', '_', '.' and '/' are allowed`,
    );
  }
  const repository = openRepository(context, deps, {
    url: object.spec.url,
    object,
    verify: spec.verify,
  });
  const offered = await repository.find(spec.chart, spec.version ?? '');
  const version = artifactVersion(context.object, offered.version);
  const packed = wantedValuesFiles(context.object).length > 0;
  const isOci = object.spec.type === 'oci';
  return {
    ...(!isOci && { name: offered.name }),
    version,
    packed,
    make: async (dir) => {
      const content = await phase(context.status, fetchFailedCondition, () =>
        repository.download(offered, join(dir, 'download.tgz')),
      );
      const expected = isOci ? undefined : offered;
      return packed
        ? repack(context, deps, { content, version, dir, expected })
        : keep(context, deps, { content, expected });
    },
  };
}

interface Download {
  content: Buffer | string;
  /** What the index says of it. */
  expected: OfferedChart | undefined;
}

/** The package stays as it is, after a check that it is one. */
async function keep(
  context: HelmChartContext,
  deps: HelmChartDeps,
  { content, expected }: Download,
): Promise<MadeChart> {
  const { limits, packing } = deps;
  const source = { archive: content };
  const turn = turnOf(context, deps);
  const name = await phase(context.status, fetchFailedCondition, () =>
    chartOperation(async () => {
      const task = { operation: 'inspect', source, whole: false, limits } as const;
      const inspect = () => inspectAnywhere(task, turn);
      const { metadata } = await packing.run(turn.share, inspect, turn.signal);
      checkName(metadata.name, expected);
      return metadata.name;
    }),
  );
  return { name, content, valuesFiles: [] };
}

async function repack(
  context: HelmChartContext,
  deps: HelmChartDeps,
  o: Download & { version: string; dir: string },
): Promise<MadeChart> {
  const { content, version, expected } = o;
  const { status, object } = context;
  const { limits, packing, store } = deps;
  const turn = turnOf(context, deps);
  const destination = join(o.dir, 'chart.tgz');
  const files = wantedValuesFiles(object);
  const ignoreMissing = object.spec.ignoreMissingValuesFiles ?? false;
  const packed = await phase(status, buildFailedCondition, () =>
    chartOperation(async () => {
      const task: PackageTask = {
        operation: 'package',
        source: { archive: content },
        version,
        values: { files, ignoreMissing },
        additions: [],
        destination,
        algorithm: store.digestAlgorithm,
        limits,
      };
      const pack = () => packageAnywhere(task, turn);
      const result = await packing.run(turn.share, pack, turn.signal);
      checkName(result.metadata.name, expected);
      return result;
    }),
  );
  return {
    name: packed.metadata.name,
    content: destination,
    valuesFiles: packed.valuesFiles ?? [],
  };
}

function checkName(name: string, expected: OfferedChart | undefined): void {
  if (expected === undefined || expected.name === name) return;
  throw new ChartError(
    'ChartPullError',
    `the package holds the chart '${name}', the index says '${expected.name}'`,
  );
}
