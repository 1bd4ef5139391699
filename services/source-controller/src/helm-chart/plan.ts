import { posix } from 'node:path';
import type { HelmChart } from '@sluice/shared/api';
import { ChartError } from '../helm/chart-error.ts';
import { valuesFileName } from '../helm/metadata.ts';
import { withBuildMetadata } from '../semver/version.ts';

/** A chart that was found, before anything is downloaded or packed. */
export interface ChartPlan {
  /** Undefined when only the package tells. */
  name?: string;
  /** Version that the artifact is to have. */
  version: string;
  /** Whether it is packed here, not stored as it was found. */
  packed: boolean;
  /** Facts about where it comes from. */
  metadata?: Record<string, string>;
  /**
   * Makes the chart.
   *
   * @param dir an empty directory, removed afterwards
   */
  make(dir: string): Promise<MadeChart>;
}

export interface MadeChart {
  name: string;
  /** The packed chart, or the path of the file that holds it. */
  content: Buffer | string;
  /** The values files that were merged. */
  valuesFiles: string[];
}

/** The values files that change the chart: none when the chart's own is the only one. */
export function wantedValuesFiles({ spec: { valuesFiles = [] } }: HelmChart): string[] {
  const [first, ...more] = valuesFiles;
  const isOwn = first !== undefined && posix.normalize(first) === valuesFileName;
  return isOwn && more.length === 0 ? [] : valuesFiles;
}

/**
 * Returns the version of the artifact: that of the chart, with what its consumers need to notice a change as build
 * metadata.
 *
 * @param revision part of the source's revision; the values files add the generation of the object
 * @throws ChartError `MetadataPatchError` when the chart's version is none
 */
export function artifactVersion(object: HelmChart, version: string, revision?: string): string {
  const generation = wantedValuesFiles(object).length > 0 ? [object.metadata.generation ?? 0] : [];
  const metadata = [...(revision === undefined ? [] : [revision]), ...generation].join('.');
  if (metadata === '') return version;
  const patched = withBuildMetadata(version, metadata);
  if (patched !== undefined) return patched;
  throw new ChartError('MetadataPatchError', `the chart's version '${version}' is invalid`);
}

/** Says what was done, in conditions and events. */
export function summaryOf(
  plan: Pick<ChartPlan, 'version' | 'packed'>,
  name: string,
  valuesFiles: readonly string[],
): string {
  const what = `${plan.packed ? 'packaged' : 'pulled'} '${name}' chart with version '${plan.version}'`;
  return valuesFiles.length === 0
    ? what
    : `${what} and merged values files [${valuesFiles.join(' ')}]`;
}
