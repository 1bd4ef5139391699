import { stat } from 'node:fs/promises';
import { join, posix } from 'node:path';
import type { HelmRepository } from '@sluice/shared/api';
import { errorMessage, mapConcurrently, ReconcileError } from '@sluice/shared/base';
import { ChartError } from '../helm/chart-error.ts';
import { inspectAnywhere } from '../helm/helm-workers.ts';
import { type LoadedChart, missingDependencies } from '../helm/load-chart.ts';
import { type ChartDependency, isChartName } from '../helm/metadata.ts';
import type { Addition, ChartSource } from '../helm/package-chart.ts';
import { comparableAddress } from '../helm-repository/address.ts';
import { compileConstraint } from '../semver/constraint.ts';
import { parseLooseVersion } from '../semver/version.ts';
import { cleanPath } from '../source/clean-path.ts';
import { turnOf } from '../source/turn.ts';
import type { HelmChartContext, HelmChartDeps } from './deps.ts';
import { openRepository } from './open-repository.ts';
import { type FoundDependency, placeDependencies } from './place-dependencies.ts';

/** Where the chart is whose dependencies are looked for. */
export interface Place {
  /** Root of the artifact on the disk. */
  root: string;
  /** Path of the chart below the root. */
  path: string;
  /** Directory for downloads. */
  dir: string;
}

const filePrefix = 'file://';
const concurrentDownloads = 4;
/** Each may be as large as a chart. */
const maxDependencies = 100;

/**
 * Gets the dependencies that a chart does not bring along: from the same source for `file://` and for those without
 * a repository, from a Helm repository otherwise. A repository is reached as the HelmRepository of the same namespace
 * with its address says, and anonymously without one.
 *
 * @throws ChartError `DependencyBuildError` that names the dependency
 */
export async function addDependencies(
  context: HelmChartContext,
  deps: HelmChartDeps,
  chart: LoadedChart,
  place: Place,
): Promise<Addition[]> {
  const missing = missingDependencies(chart);
  if (missing.length > maxDependencies) {
    throw new ChartError(
      'DependencyBuildError',
      `the chart lacks ${missing.length} dependencies, more than ${maxDependencies}`,
    );
  }
  // The same chart under several aliases is needed once.
  const unique = new Map(missing.map((one) => [JSON.stringify({ ...one, alias: '' }), one]));
  const wanted = [...unique.values()];
  const found = await mapConcurrently(wanted, concurrentDownloads, async (dependency, index) => {
    const { name, repository } = dependency;
    const isLocal = repository === '' || repository.startsWith(filePrefix);
    try {
      return isLocal
        ? await addLocal(context, deps, dependency, place)
        : await addRemote(context, deps, dependency, join(place.dir, `dependency-${index}.tgz`));
    } catch (cause) {
      context.signal.throwIfAborted();
      if (!(cause instanceof ReconcileError || cause instanceof ChartError)) throw cause;
      const what = `failed to add ${isLocal ? 'local' : 'remote'} dependency '${name}'`;
      throw new ChartError('DependencyBuildError', `${what}: ${errorMessage(cause)}`, { cause });
    }
  });
  return placeDependencies(found, chart.dependencies);
}

async function addLocal(
  context: HelmChartContext,
  deps: HelmChartDeps,
  { name, version, repository }: ChartDependency,
  { root, path }: Place,
): Promise<FoundDependency> {
  const reference = repository === '' ? `charts/${name}` : repository.slice(filePrefix.length);
  const inside = cleanPath(posix.join('.', path, reference), `the repository '${repository}'`);
  const source = await sourceAt(join(root, inside), repository);
  const task = { operation: 'inspect', source, whole: false, limits: deps.limits } as const;
  const { metadata } = await inspectAnywhere(task, turnOf(context, deps));
  checkVersion(metadata.version, version);
  return { name: metadata.name, version: metadata.version, repository, source };
}

async function sourceAt(path: string, repository: string): Promise<ChartSource> {
  try {
    return (await stat(path)).isDirectory() ? { dir: path } : { archive: path };
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause;
    throw new ChartError('DependencyBuildError', `no chart found at '${repository}'`, { cause });
  }
}

function checkVersion(version: string, range: string): void {
  const parsed = parseLooseVersion(version);
  if (range === '' || version === range) return;
  if (parsed !== undefined && compile(range)(parsed)) return;
  throw new ChartError('DependencyBuildError', `its version '${version}' is not in '${range}'`);
}

function compile(range: string): ReturnType<typeof compileConstraint> {
  try {
    return compileConstraint(range);
  } catch (cause) {
    throw new ChartError('DependencyBuildError', errorMessage(cause), { cause });
  }
}

async function addRemote(
  context: HelmChartContext,
  deps: HelmChartDeps,
  { name, version, repository }: ChartDependency,
  path: string,
): Promise<FoundDependency> {
  if (!/^(?:https?|oci):\/\//.test(repository)) {
    throw new ChartError(
      'DependencyBuildError',
      `repository '${repository}' must start with https://, http://, oci:// or file://: names of repositories are not known here`,
    );
  }
  const object = findRepository(context, deps, repository);
  const opened = openRepository(context, deps, { url: repository, object });
  const offered = await opened.find(name, version);
  const archive = await opened.download(offered, path);
  const source = { archive };
  const task = { operation: 'inspect', source, whole: false, limits: deps.limits } as const;
  const { metadata } = await inspectAnywhere(task, turnOf(context, deps));
  if (metadata.name !== name || !isChartName(metadata.version)) {
    throw new ChartError(
      'DependencyBuildError',
      `the package holds the chart '${metadata.name}' of version '${metadata.version}'`,
    );
  }
  return { name, version: metadata.version, repository, source };
}

function findRepository(
  { object }: HelmChartContext,
  { sources }: HelmChartDeps,
  address: string,
): HelmRepository | undefined {
  const wanted = comparableAddress(address);
  return sources
    .helmRepositories()
    .find(
      ({ metadata, spec }) =>
        metadata.namespace === object.metadata.namespace && comparableAddress(spec.url) === wanted,
    );
}
