import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ArchiveError, type PackResult, packArtifact } from '@sluice/shared/artifact';
import { type DigestAlgorithm, errorMessage, formatCanonicalYaml } from '@sluice/shared/base';
import { ChartError, type ChartErrorReason } from './chart-error.ts';
import {
  type ChartFile,
  type ChartLimits,
  checkFileSize,
  readChartArchive,
  readChartDirectory,
  readIfThere,
  UnpackBudget,
} from './chart-files.ts';
import { type LoadedChart, loadChart } from './load-chart.ts';
import {
  type ChartMetadata,
  chartFileName,
  MetadataError,
  parseMetadata,
  readMetadata,
  requirementsFileName,
  valuesFileName,
} from './metadata.ts';
import { mergeValuesFiles } from './values-files.ts';

/** Where a chart is: an unpacked directory, or an archive as bytes or as the path of a file. */
export type ChartSource = { dir: string } | { archive: Uint8Array | string };

/** A chart to put below `charts/` of another. */
export interface Addition {
  /** Name of the file, or of the directory, below `charts/`. */
  name: string;
  source: ChartSource;
}

/** Everything needed to pack a chart; plain data, so that a thread can do it. */
export interface PackageTask {
  operation: 'package';
  source: ChartSource;
  /** Version that the package gets. */
  version: string;
  values?: {
    files: string[];
    ignoreMissing: boolean;
    /** Directory to which the files are relative; the chart's root when undefined. */
    root?: string;
  };
  additions: Addition[];
  destination: string;
  algorithm: DigestAlgorithm;
  limits: ChartLimits;
}

export interface PackagedChart extends PackResult {
  metadata: ChartMetadata;
  /** The values files that were merged; undefined when none were asked for. */
  valuesFiles?: string[];
}

/** A chart to be read without being packed. */
export interface InspectTask {
  operation: 'inspect';
  source: ChartSource;
  /** Reads the charts inside as well; the metadata alone otherwise. */
  whole: boolean;
  limits: ChartLimits;
}

const noChartsInside: Omit<LoadedChart, 'metadata'> = { dependencies: [], subcharts: [] };

/**
 * Reads a chart in the calling thread: an archive is checked entry by entry.
 *
 * @throws ChartError `ChartPackageError`, for an archive or its metadata `ChartPullError`
 */
export async function inspectChart(
  task: InspectTask,
  budget = new UnpackBudget(),
): Promise<LoadedChart> {
  const { source, limits, whole } = task;
  if ('dir' in source && !whole) {
    const [chartFile, requirements] = await Promise.all([
      readIfThere(join(source.dir, chartFileName), limits.fileBytes),
      readIfThere(join(source.dir, requirementsFileName), limits.fileBytes),
    ]);
    const files: Record<string, Buffer | undefined> = {
      [chartFileName]: chartFile,
      [requirementsFileName]: requirements,
    };
    return { ...noChartsInside, metadata: metadataOf('ChartPackageError', (n) => files[n]) };
  }
  const files = await readFiles(source, limits, budget);
  if (whole) return loadChart(files, budget);
  return { ...noChartsInside, metadata: metadataOf('ChartPullError', readerOf(files)) };
}

/**
 * Packs a chart in the calling thread: the same input gives the same bytes on every machine. Files stay as they
 * are, except for the version in `Chart.yaml`, and `values.yaml` when values files are merged.
 *
 * @throws ChartError that names the file
 */
export async function packageChart(
  task: PackageTask,
  newBudget = () => new UnpackBudget(),
): Promise<PackagedChart> {
  const { limits, destination, algorithm } = task;
  const budget = newBudget();
  const files = new Map<string, Buffer>();
  for (const { path, content } of await readFiles(task.source, limits, budget)) {
    files.set(path, content);
  }
  setVersion(files, task.version);
  const valuesFiles = await setValues(files, task);
  for (const addition of task.additions) await addChart(files, addition, { limits, budget });
  const list = [...files].map(([path, content]) => ({ path, content }));
  const { metadata } = loadChart(list, newBudget());
  const entries = list.map(({ path, content }) => ({
    path: `${metadata.name}/${path}`,
    executable: false,
    read: () => content,
  }));
  const packed = await packArtifact(entries, destination, { algorithm });
  if (packed.size > limits.archiveBytes) {
    await rm(destination, { force: true });
    throw tooLarge('ChartPackageError', packed.size, limits.archiveBytes);
  }
  return { ...packed, metadata, ...(valuesFiles && { valuesFiles }) };
}

/** The error of a packed chart over the limit. */
export function tooLarge(reason: ChartErrorReason, size: number, max: number): ChartError {
  const message = `the packed chart has ${size} bytes, more than the ${max} of --helm-chart-max-size`;
  return new ChartError(reason, message);
}

async function readFiles(
  source: ChartSource,
  limits: ChartLimits,
  budget: UnpackBudget,
): Promise<ChartFile[]> {
  if ('dir' in source) return readChartDirectory(source.dir, limits, budget);
  const { archive } = source;
  const bytes = typeof archive === 'string' ? await readFile(archive) : archive;
  if (bytes.length > limits.archiveBytes) {
    throw tooLarge('ChartPullError', bytes.length, limits.archiveBytes);
  }
  try {
    const files = readChartArchive(bytes, budget);
    for (const { path, content } of files) {
      if (path !== chartFileName && path !== requirementsFileName) continue;
      checkFileSize('ChartPullError', { path, size: content.length, max: limits.fileBytes });
    }
    return files;
  } catch (error) {
    if (!(error instanceof ArchiveError)) throw error;
    throw new ChartError('ChartPullError', error.message, { cause: error });
  }
}

function readerOf(files: readonly ChartFile[]): (name: string) => Buffer | undefined {
  return (name) => files.find((file) => file.path === name)?.content;
}

function metadataOf(
  reason: ChartErrorReason,
  read: (name: string) => Buffer | undefined,
): ChartMetadata {
  try {
    return readMetadata(read);
  } catch (cause) {
    if (!(cause instanceof MetadataError)) throw cause;
    throw new ChartError(reason, cause.message, { cause });
  }
}

function setVersion(files: Map<string, Buffer>, version: string): void {
  const metadata = metadataOf('ChartPackageError', (name) => files.get(name));
  if (metadata.version === version) return;
  const fields = parseMetadata(files.get(chartFileName) as Buffer, chartFileName);
  const text = formatCanonicalYaml({ ...fields, version });
  files.set(chartFileName, Buffer.from(text));
}

async function setValues(
  files: Map<string, Buffer>,
  { values, limits }: PackageTask,
): Promise<string[] | undefined> {
  if (values === undefined) return undefined;
  const { root } = values;
  const read = async (path: string) => {
    const content =
      root === undefined
        ? files.get(path)
        : await readIfThere(join(root, path), Number.POSITIVE_INFINITY);
    const size = content?.length ?? 0;
    checkFileSize('ValuesFilesError', { path, size, max: limits.fileBytes });
    return content;
  };
  const merged = await mergeValuesFiles(values.files, read, values.ignoreMissing);
  if (!files.has(valuesFileName)) {
    throw new ChartError('ValuesFilesError', `the chart has no ${valuesFileName} to replace`);
  }
  files.set(valuesFileName, merged.content);
  return merged.files;
}

/** A packed chart goes in as it is, a directory file by file. */
async function addChart(
  files: Map<string, Buffer>,
  { name, source }: Addition,
  { limits, budget }: { limits: ChartLimits; budget: UnpackBudget },
): Promise<void> {
  if (
    [...files.keys()].some(
      (path) => path.startsWith(`charts/${name}/`) || path === `charts/${name}`,
    )
  ) {
    throw new ChartError('DependencyBuildError', `charts/${name} is there already: remove it`);
  }
  try {
    if ('archive' in source) {
      const { archive } = source;
      const bytes = typeof archive === 'string' ? await readFile(archive) : Buffer.from(archive);
      files.set(`charts/${name}`, bytes);
      return;
    }
    for (const { path, content } of await readChartDirectory(source.dir, limits, budget)) {
      files.set(`charts/${name}/${path}`, content);
    }
  } catch (cause) {
    throw new ChartError('DependencyBuildError', `${name}: ${errorMessage(cause)}`, { cause });
  }
}
