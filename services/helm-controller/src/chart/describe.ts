import { ArchiveError } from '@sluice/shared/artifact';
import type { ChartMetadata, Values } from '../release/release.ts';
import type { ChartBudget, ChartFile } from './files.ts';
import { parseChartYaml, readMetadata } from './metadata.ts';

/** A file of the `crds` directory of a chart. */
export interface CrdFile {
  /** Below the chart, as `crds/a.yaml`. */
  path: string;
  content: string;
}

/** What is known of a chart, and of the charts inside it, without rendering it. */
export interface ChartDescription {
  metadata: ChartMetadata;
  /** Default values; empty unless a chart inside the whole brings CRDs, since values can switch that chart off. */
  values: Values;
  /** In the order of their paths. */
  crds: CrdFile[];
  subcharts: ChartDescription[];
}

/** Deeper than any chart that people write; archives in archives could go on for ever. */
const maxDepth = 20;
const crdExtension = /\.(ya?ml|json)$/i;
/** Whether a chart, or one inside it, has CRDs. */
export function bringsCrds(chart: ChartDescription): boolean {
  return chart.crds.length > 0 || chart.subcharts.some(bringsCrds);
}

function subchartsOf(files: ChartFile[]): Map<string, ChartFile[]> {
  const charts = new Map<string, ChartFile[]>();
  for (const { path, content } of files) {
    if (!path.startsWith('charts/') || path.endsWith('.prov')) continue;
    const [, name = '', ...rest] = path.split('/');
    // Helm takes these for files of editors and the like.
    if (/^[_.]/.test(name)) continue;
    const below = charts.get(name) ?? [];
    below.push({ path: rest.join('/'), content });
    charts.set(name, below);
  }
  return charts;
}

interface DescribeOptions {
  budget: ChartBudget;
  /** Read the default values too. */
  withValues: boolean;
}

/** A chart inside another one. */
interface Place {
  /** Path in the archive; empty, or with a slash at its end. */
  where: string;
  depth: number;
}

function finder(files: ChartFile[], where: string) {
  return (path: string): ChartFile | undefined => {
    const file = files.find((one) => one.path === path);
    return file && { path: where + path, content: file.content };
  };
}

/**
 * Describes a chart, and checks it and all charts inside it, packed ones too.
 *
 * @throws ArchiveError when a chart is refused
 */
export function describeChart(
  files: ChartFile[],
  o: DescribeOptions,
  place: Place = { where: '', depth: 0 },
): ChartDescription {
  const { where, depth } = place;
  if (depth > maxDepth) {
    throw new ArchiveError(`chart refused: charts nest deeper than ${maxDepth} levels at ${where}`);
  }
  const find = finder(files, where);
  const chartFile = find('Chart.yaml');
  if (chartFile === undefined) {
    throw new ArchiveError(`chart refused: ${where}Chart.yaml is missing`);
  }
  const values = o.withValues ? find('values.yaml') : undefined;
  const subcharts = [...subchartsOf(files)].flatMap(([name, below]) => {
    const inner = filesOfSubchart(below, `${where}charts/${name}`, o.budget);
    const at = { where: `${where}charts/${name}/`, depth: depth + 1 };
    return inner.length === 0 ? [] : [describeChart(inner, o, at)];
  });
  return {
    metadata: readMetadata(chartFile, find('requirements.yaml')),
    values: values === undefined ? {} : parseChartYaml(values.content, values.path),
    crds: files
      .filter(({ path }) => path.startsWith('crds/') && crdExtension.test(path))
      .map(({ path, content }) => ({ path, content: content.toString() })),
    subcharts,
  };
}

/** Returns no files for what is no chart, such as a plain file beside the charts; Helm passes over it too. */
function filesOfSubchart(below: ChartFile[], where: string, budget: ChartBudget): ChartFile[] {
  if (!where.endsWith('.tgz')) return below.filter(({ path }) => path !== '');
  const [packed] = below;
  if (packed === undefined || packed.path !== '' || below.length > 1) {
    throw new ArchiveError(`chart refused: ${where} must be a packaged chart`);
  }
  try {
    return budget.read(packed.content).files;
  } catch (error) {
    if (!(error instanceof ArchiveError)) throw error;
    throw new ArchiveError(`${where}: ${error.message}`, { cause: error });
  }
}
