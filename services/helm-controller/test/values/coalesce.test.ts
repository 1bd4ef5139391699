import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createHelmRenderer, HelmError, type HelmRenderer } from '@sluice/shared/cli';
import { temporaryFolder, toolPath } from '@sluice/testing';
import { load } from 'js-yaml';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { splitManifests } from '../../src/release/manifest.ts';
import type { Release, Values } from '../../src/release/release.ts';
import { mergeMaps } from '../../src/values/merge.ts';
import conformance from './coalesce-conformance.json' with { type: 'json' };

interface Chart {
  values?: Values;
  dependencies?: object[];
  charts?: Record<string, Chart>;
}

interface Case {
  name: string;
  chart: Chart;
  values: Values[];
  result: Record<string, Values> | null;
}

const cases = conformance.cases as unknown as Case[];
const shown =
  'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata:\n  values: {{ toJson .Values | quote }}\n';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let renderer: HelmRenderer;
beforeAll(async () => {
  folder = await temporaryFolder('coalesce');
  renderer = createHelmRenderer({ program: toolPath('helm-renderer') });
});
afterAll(async () => {
  await renderer.close();
  await folder.remove();
});

/** Writes a chart each of whose parts shows its values. */
async function write(dir: string, name: string, chart: Chart): Promise<void> {
  const { values, dependencies, charts = {} } = chart;
  const metadata = { apiVersion: 'v2', name, version: '1.0.0', dependencies };
  await mkdir(join(dir, 'templates'), { recursive: true });
  await writeFile(join(dir, 'Chart.yaml'), JSON.stringify(metadata));
  await writeFile(join(dir, 'templates/values.yaml'), shown);
  if (values !== undefined) await writeFile(join(dir, 'values.yaml'), JSON.stringify(values));
  for (const [sub, its] of Object.entries(charts)) await write(join(dir, 'charts', sub), sub, its);
}

/** The values that each chart of a release has shown, by its path. */
function valuesShown({ manifest }: Release): Record<string, Values> {
  return Object.fromEntries(
    splitManifests(manifest).map((document) => {
      const path = /^# Source: (.*)\/templates\/values\.yaml$/m.exec(document)?.[1] ?? '';
      const { data } = load(document) as { data: { values: string } };
      return [path, JSON.parse(data.values) as Values];
    }),
  );
}

async function render(chartPath: string, values: Values): Promise<Release> {
  const request = {
    name: 'web',
    namespace: 'apps',
    revision: 1,
    chartPath,
    values,
    capabilities: {
      kubeVersion: { gitVersion: 'v1.36.0', major: '1', minor: '36' },
      apiVersions: ['v1'],
    },
    serverSideApply: true,
  };
  const lookup = () => Promise.resolve(undefined);
  return renderer.render<Release>(request, { lookup, timeoutMs: 60_000, share: 'apps' });
}

describe('values of user, chart and subcharts come together as with helm', () => {
  test.each(cases.map((one, index) => ({ ...one, index })))(
    '$name',
    async ({ chart, values, result, index }) => {
      const dir = join(folder.path, String(index));
      await write(dir, 'app', chart);
      const rendering = render(dir, values.reduce(mergeMaps));
      if (result === null) await expect(rendering).rejects.toThrow(HelmError);
      else expect(valuesShown(await rendering)).toEqual(result);
    },
  );
});
