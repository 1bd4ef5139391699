import { parseYamlStream, yamlFromJson } from '@sluice/shared/base';
import { createHelmRenderer } from '@sluice/shared/cli';
import { toolPath } from '@sluice/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Release, Values } from '../../src/release/release.ts';
import { createDiscovery } from '../../src/render/discovery.ts';
import { noRemoteSchemas } from '../../src/render/remote-schemas.ts';
import { createRenderer, type Renderer } from '../../src/render/renderer.ts';
import type { CaseValues, ChartCase } from '../differential/charts/case.ts';
import { chartCases } from '../differential/charts/index.ts';
import { createRenderBed, type RenderBed } from './bed.ts';
import { type ChartFiles, everything, writeChart } from './charts.ts';

/** A dry run of helm's does not install the kinds that a chart brings along. */
const bringsKinds = ({ files }: { files: ChartFiles }) =>
  Object.keys(files).some((path) => path.startsWith('crds/'));

/** More than a third of the charts whose releases are compared with helm's elsewhere. */
const cases: Pick<ChartCase, 'name' | 'files' | 'values'>[] = [
  { name: 'everything', files: everything },
  ...chartCases.filter((one) => one.existing === undefined && !bringsKinds(one)),
].filter((_, index) => index % 2 === 0);

const rounds = 5;

let bed: RenderBed;
let renderer: Renderer;
beforeAll(async () => {
  bed = await createRenderBed();
  renderer = createRenderer({
    helm: createHelmRenderer({ program: toolPath('helm-renderer'), size: 4 }),
    discovery: createDiscovery(),
    kustomize: bed.kustomize,
    schemas: noRemoteSchemas,
  });
});
afterAll(async () => {
  await renderer.close();
  await bed.close();
});

function valuesOf(values: CaseValues = {}): Values {
  return (typeof values === 'string' ? parseYamlStream(values, 'values')[0] : values) as Values;
}

/** A release without its times; helm leaves out a manifest that is empty. */
function content({ info: { notes, status }, hooks = [], manifest = '', ...release }: Release) {
  const byName = hooks.map(({ last_run: _, ...hook }) => hook);
  byName.sort((a, b) => a.path.localeCompare(b.path) || a.name.localeCompare(b.name));
  return { ...release, manifest, hooks: byName, notes, status };
}

test(`${cases.length} charts in four processes at a time are rendered as by helm`, async () => {
  const { namespace, client } = bed;
  const charts = await Promise.all(
    cases.map(async ({ name, files, values }) => {
      // What leaves files out of directories would leave out the chart.
      const texts = Object.entries(files)
        .filter(([path]) => path !== '.helmignore')
        .map(([path, text]) => [path, text.replaceAll('@NS@', namespace)] as const);
      const chartPath = await writeChart(bed.dir, name, Object.fromEntries(texts));
      return { name, chartPath, values: valuesOf(values) };
    }),
  );
  const render = async ({ name, chartPath, values }: (typeof charts)[number]) => {
    const one = { name, namespace, revision: 1, chartPath, values, applyMethod: 'ssa' as const };
    const release = await renderer.render({ ...one, client, share: 'all', timeoutMs: 60_000 });
    return { name, release: content(release) };
  };
  const all = Array.from({ length: rounds }, () => charts).flat();
  const rendered = await Promise.all(all.map(render));
  for (const { name, chartPath, values } of charts) {
    const flags = ['--dry-run=server', '--skip-crds', '--output=json', '--take-ownership'];
    const input = yamlFromJson(JSON.stringify(values));
    const text = bed.helm(['install', name, chartPath, '-f', '-', ...flags], { input });
    const byHelm = content(JSON.parse(text));
    const ours = rendered.filter((one) => one.name === name);
    expect(ours).toEqual(Array.from({ length: rounds }, () => ({ name, release: byHelm })));
  }
});
