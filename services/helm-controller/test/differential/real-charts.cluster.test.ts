import { globSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, join, relative } from 'node:path';
import { temporaryFolder } from '@sluice/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Bed, type ChartFiles, startBed } from '../helm-release/harness.ts';
import { type Row, tableOf } from './compare.ts';
import { Comparison } from './comparison.ts';

/** Where Go keeps the sources of modules; there when the tools of the tests were built on this machine. */
const modules = join(homedir(), 'go/pkg/mod');

/** Charts in the sources of helm and of kustomize some of which no cluster takes any more. */
const paths = [
  'helm.sh/helm/v4@*/pkg/chart/v2/util/testdata/chart-with-dependency-aliased-twice',
  'helm.sh/helm/v4@*/pkg/chart/v2/util/testdata/chart-with-import-from-aliased-dependencies',
  'helm.sh/helm/v4@*/pkg/chart/v2/util/testdata/subpop',
  'helm.sh/helm/v4@*/pkg/chart/v2/util/testdata/subpop/charts/subchart2',
  'helm.sh/helm/v4@*/pkg/chart/v2/util/testdata/subpop/noreqs',
  'helm.sh/helm/v4@*/pkg/cmd/testdata/testcharts/alpine',
  'helm.sh/helm/v4@*/pkg/cmd/testdata/testcharts/chart-with-secret',
  'helm.sh/helm/v4@*/pkg/cmd/testdata/testcharts/chart-with-subchart-notes',
  'helm.sh/helm/v4@*/pkg/cmd/testdata/testcharts/chart-with-template-lib-dep',
  'helm.sh/helm/v4@*/pkg/cmd/testdata/testcharts/issue-9027',
  'helm.sh/helm/v4@*/pkg/cmd/testdata/testcharts/object-order',
  'helm.sh/helm/v4@*/pkg/cmd/testdata/testcharts/subchart',
  'helm.sh/helm/v4@*/pkg/action/testdata/charts/chart-with-uncompressed-dependencies',
  'sigs.k8s.io/kustomize/api@*/krusty/testdata/helmcharts/test-chart',
];

interface RealChart {
  name: string;
  directory: string;
}

/** Returns the charts that are on this machine, of each the newest version. */
function findCharts(): RealChart[] {
  return paths.flatMap((path) => {
    const directory = globSync(join(modules, path)).sort().at(-1);
    return directory === undefined ? [] : [{ name: basename(path), directory }];
  });
}

function filesOf(directory: string): ChartFiles {
  const entries = globSync(join(directory, '**/*'), { withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((e) => join(e.parentPath, e.name));
  return Object.fromEntries(
    files.map((file) => [relative(directory, file), readFileSync(file, 'utf8')]),
  );
}

async function compareLife(comparison: Comparison, files: ChartFiles): Promise<void> {
  const { helm, ours } = comparison;
  const [theirs, own] = await comparison.chart(files);
  const install = [() => helm.install(theirs, {}), () => ours.install(own, {})] as const;
  const failures = await comparison.step('install', install, { fails: true });
  if (failures[0] !== undefined) {
    comparison.meaning('install', failures, []);
    // It would be tried again and again.
    await ours.uninstall();
    return;
  }
  const values = { global: { changed: true } };
  await comparison.step('upgrade', [
    () => helm.upgrade(theirs, values),
    () => ours.upgrade(own, values),
  ]);
  await comparison.history('history');
  await comparison.uninstallation();
}

const charts = findCharts();

describe.skipIf(charts.length === 0)('charts that others wrote', () => {
  let bed: Bed;
  let folder: { path: string; remove(): Promise<void> };
  const rows: Row[] = [];

  beforeAll(async () => {
    bed = await startBed(['--concurrent=8']);
    folder = await temporaryFolder('differential');
  });
  afterAll(async () => {
    await bed.stop();
    await folder.remove();
    console.log(tableOf(rows));
  });

  test.concurrent.each(charts)('are released alike: $name', async ({ name, directory }) => {
    const o = { name, releaseName: 'real', recovery: 'upgrade' as const, dir: folder.path };
    const comparison = await Comparison.start(bed, o);
    try {
      await compareLife(comparison, filesOf(directory));
      expect(comparison.finish()).toEqual([]);
    } finally {
      rows.push(comparison.row);
      await comparison.cleanUp();
    }
  });
});
