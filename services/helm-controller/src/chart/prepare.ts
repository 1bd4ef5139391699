import { readFileSync, writeFileSync } from 'node:fs';
import { replaceMember } from '@sluice/shared/artifact';
import { bringsCrds, type ChartDescription, describeChart } from './describe.ts';
import { ChartBudget, type ChartLimits } from './files.ts';
import { withVersion } from './metadata.ts';
import { trackDigest } from './version.ts';

/** Makes the archive that is given to helm. */
export interface PrepareTask {
  /** The verified archive, or the path of its file. */
  source: Uint8Array | string;
  /** Where the archive for helm goes; must not exist. */
  destination: string;
  /** Revision of the source whose digest belongs to the chart's identity. */
  revision?: string;
  /** Put the digest into the chart's version. */
  trackDigest: boolean;
  limits: ChartLimits;
}

export interface PrepareResult {
  chart: ChartDescription;
  revisionDigest?: string;
  /** Size of the archive in bytes. */
  size: number;
}

const chartFile = 'Chart.yaml';

function describe(archive: Buffer, limits: ChartLimits) {
  const budget = new ChartBudget(limits);
  const { directory, files } = budget.read(archive);
  const chart = describeChart(files, { budget, withValues: false });
  if (!chart.subcharts.some(bringsCrds)) return { directory, files, chart };
  const again = { budget: new ChartBudget(limits), withValues: true };
  return { directory, files, chart: describeChart(files, again) };
}

/**
 * Checks a packaged chart, puts the digest of its source into its version, and writes it for helm. Everything else in
 * the archive stays as it is, because Helm keeps the times of the files in the release.
 *
 * Works synchronously: for small charts, or in a worker thread.
 *
 * @throws ArchiveError when the chart is refused
 */
export function prepareChart(task: PrepareTask): PrepareResult {
  const { destination, limits, revision } = task;
  const archive = Buffer.from(
    typeof task.source === 'string' ? readFileSync(task.source) : task.source,
  );
  const { directory, files, chart } = describe(archive, limits);
  const tracked =
    revision === undefined ? undefined : trackDigest(chart.metadata.version, revision);
  const write = (content: Buffer) =>
    writeFileSync(destination, content, { flag: 'wx', mode: 0o600 });
  if (tracked === undefined || !task.trackDigest) {
    write(archive);
    return { chart, revisionDigest: tracked?.revisionDigest, size: archive.length };
  }
  const before = files.find(({ path }) => path === chartFile)?.content ?? Buffer.alloc(0);
  const content = withVersion(before, tracked.version);
  const path = `${directory}/${chartFile}`;
  const rewritten = replaceMember(archive, { path, content }, limits);
  // Read again, so that what helm gets is what was checked.
  const result = describe(rewritten, limits).chart;
  write(rewritten);
  return {
    chart: result,
    revisionDigest: tracked.revisionDigest,
    size: rewritten.length,
  };
}
