import { execFileSync } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { temporaryFolder } from '@sluice/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Bed, type ChartFiles, startBed } from '../helm-release/harness.ts';
import { type Row, tableOf } from './compare.ts';
import { Comparison } from './comparison.ts';

/** Charts in the sources of helm and of kustomize, some of which no cluster takes any more. */
const paths = {
  'helm.sh/helm/v4': [
    'pkg/chart/v2/util/testdata/chart-with-dependency-aliased-twice',
    'pkg/chart/v2/util/testdata/chart-with-import-from-aliased-dependencies',
    'pkg/chart/v2/util/testdata/subpop',
    'pkg/chart/v2/util/testdata/subpop/charts/subchart2',
    'pkg/chart/v2/util/testdata/subpop/noreqs',
    'pkg/cmd/testdata/testcharts/alpine',
    'pkg/cmd/testdata/testcharts/chart-with-secret',
    'pkg/cmd/testdata/testcharts/chart-with-subchart-notes',
    'pkg/cmd/testdata/testcharts/chart-with-template-lib-dep',
    'pkg/cmd/testdata/testcharts/issue-9027',
    'pkg/cmd/testdata/testcharts/object-order',
    'pkg/cmd/testdata/testcharts/subchart',
    'pkg/action/testdata/charts/chart-with-uncompressed-dependencies',
  ],
  'sigs.k8s.io/kustomize/api': ['krusty/testdata/helmcharts/test-chart'],
};

const tools = join(import.meta.dirname, '../../../../tools/go');

interface RealChart {
  name: string;
  directory: string;
}

/** Downloads the sources of a module, of the version that a tool is built from, unless they are there. */
function sourcesOf(module: string, tool: string): string {
  const args = ['-C', join(tools, tool), 'mod', 'download', '-json', module];
  return (JSON.parse(execFileSync('go', args, { encoding: 'utf8' })) as { Dir: string }).Dir;
}

function findCharts(): RealChart[] {
  const roots = {
    'helm.sh/helm/v4': sourcesOf('helm.sh/helm/v4', 'helm'),
    'sigs.k8s.io/kustomize/api': sourcesOf('sigs.k8s.io/kustomize/api', 'kustomize'),
  };
  return Object.entries(paths).flatMap(([module, charts]) =>
    charts.map((path) => ({
      name: basename(path),
      directory: join(roots[module as keyof typeof roots], path),
    })),
  );
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

describe('charts that others wrote', () => {
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
