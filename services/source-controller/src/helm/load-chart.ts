import { errorMessage } from '@sluice/shared/base';
import { ConstraintError, compileConstraint } from '../semver/constraint.ts';
import { parseLooseVersion } from '../semver/version.ts';
import { ChartError } from './chart-error.ts';
import { type ChartFile, readChartArchive, type UnpackBudget } from './chart-files.ts';
import {
  type ChartDependency,
  type ChartMetadata,
  MetadataError,
  parseYamlMaps,
  readLock,
  readMetadata,
  valuesFileName,
} from './metadata.ts';

/** A chart as far as packing it needs. */
export interface LoadedChart {
  metadata: ChartMetadata;
  /** What it needs: the versions that its lock file pins, if it has one. */
  dependencies: ChartDependency[];
  /** The charts inside. */
  subcharts: Subchart[];
}

/** A chart inside another one. */
export type Subchart = Pick<ChartMetadata, 'name' | 'version'>;

const subchartsPrefix = 'charts/';
const schemaFileName = 'values.schema.json';
/** Charts in charts in charts; more is no chart but an attack. */
const maxDepth = 16;

/**
 * Reads a chart and the charts inside, as Helm does before it renders, and refuses what Helm could not load.
 *
 * @throws ChartError `ChartPackageError` that names the file
 * @throws ArchiveError when a packed chart inside is unsafe
 */
export function loadChart(
  files: readonly ChartFile[],
  budget: UnpackBudget,
  depth = 0,
): LoadedChart {
  if (depth > maxDepth) {
    throw new ChartError('ChartPackageError', `charts are nested more than ${maxDepth} deep`);
  }
  const read = (name: string) => files.find((file) => file.path === name)?.content;
  try {
    const metadata = readMetadata(read);
    const dependencies = readLock(read) ?? metadata.dependencies;
    checkSchema(read(schemaFileName));
    parseYamlMaps(read(valuesFileName) ?? Buffer.alloc(0), valuesFileName);
    const subcharts = loadSubcharts(files, budget, depth);
    return { metadata, dependencies, subcharts };
  } catch (error) {
    if (!(error instanceof MetadataError)) throw error;
    throw new ChartError('ChartPackageError', error.message, { cause: error });
  }
}

function checkSchema(content: Buffer | undefined): void {
  if (content === undefined) return;
  try {
    JSON.parse(content.toString('utf8'));
  } catch (cause) {
    throw new MetadataError(`${schemaFileName}: ${errorMessage(cause)}`, { cause });
  }
}

function loadSubcharts(
  files: readonly ChartFile[],
  budget: UnpackBudget,
  depth: number,
): Subchart[] {
  const groups = new Map<string, ChartFile[]>();
  for (const { path, content } of files) {
    if (!path.startsWith(subchartsPrefix) || path.endsWith('.prov')) continue;
    const [name = '', ...rest] = path.slice(subchartsPrefix.length).split('/');
    if (name.startsWith('_') || name.startsWith('.')) continue;
    const group = groups.get(name) ?? [];
    group.push({ path: rest.join('/'), content });
    groups.set(name, group);
  }
  return [...groups].map(([name, group]) => loadSubchart(name, group, budget, depth));
}

function loadSubchart(
  name: string,
  group: readonly ChartFile[],
  budget: UnpackBudget,
  depth: number,
): Subchart {
  const [first] = group;
  const isPacked = name.endsWith('.tgz') && first?.path === '';
  try {
    const files = isPacked ? readChartArchive(first.content, budget) : group;
    const { name: chartName, version } = loadChart(files, budget, depth + 1).metadata;
    return { name: chartName, version };
  } catch (cause) {
    throw new ChartError('ChartPackageError', `${subchartsPrefix}${name}: ${errorMessage(cause)}`, {
      cause,
    });
  }
}

/**
 * The dependencies that a chart does not bring along. Where it needs several of one name, Helm tells them apart by their
 * versions.
 */
export function missingDependencies({ dependencies, subcharts }: LoadedChart): ChartDependency[] {
  return dependencies.filter((dependency) => {
    const sameName = subcharts.filter(({ name }) => name === dependency.name);
    const isOne = dependencies.every(
      ({ name, version }) => name !== dependency.name || version === dependency.version,
    );
    return !sameName.some(({ version }) => isOne || isVersionIn(version, dependency.version));
  });
}

/** A range that is none has no version; getting the dependency says so. */
function isVersionIn(text: string, range: string): boolean {
  const version = parseLooseVersion(text);
  if (range === '' || text === range) return true;
  try {
    return version !== undefined && compileConstraint(range)(version);
  } catch (error) {
    if (error instanceof ConstraintError) return false;
    throw error;
  }
}
