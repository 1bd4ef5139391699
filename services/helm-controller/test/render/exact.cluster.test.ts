import { yamlFromJson } from '@sluice/shared/base';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Release, Values } from '../../src/release/release.ts';
import { createRenderBed, type RenderBed } from './bed.ts';
import { everything, writeChart } from './charts.ts';

let bed: RenderBed;
let chartPath: string;
beforeAll(async () => {
  bed = await createRenderBed();
  chartPath = await writeChart(bed.dir, 'everything', everything);
});
afterAll(() => bed.close());

/** A release without what its action sets: times, state, and the runs of hooks. */
function content({ info, hooks = [], labels: _, ...release }: Release) {
  const byName = hooks.map(({ last_run: __, ...hook }) => hook);
  byName.sort((a, b) => a.name.localeCompare(b.name));
  return { ...release, hooks: byName, notes: info.notes };
}

const valuesOf: { name: string; values: Values }[] = [
  { name: 'no values', values: {} },
  {
    name: 'values of all kinds',
    values: {
      greeting: 'of {{ .Chart.Name }}: "😀\\ \n #',
      odd: 'a\u0085b\u2028c\u007fd\ufeffe',
      second: { enabled: true, size: 1e21 },
      tags: { extras: true },
      global: { env: 'test' },
      million: null,
      ratio: 1e-7,
      big: 9007199254740992,
      list: [1, 'yes', null, { '<': '>' }, '2001-01-01', '0777', 'null'],
      'a.b/c: d': '- x',
    },
  },
];

describe('a rendering is what helm stores', () => {
  test.each(valuesOf)('on install and upgrade, with $name', async ({ values }) => {
    const name = `r${valuesOf.findIndex((other) => other.values === values)}`;
    const run = (action: string) =>
      bed.helm(
        [action, name, chartPath, '-f', '-', ...(action === 'install' ? ['--skip-crds'] : [])],
        {
          input: yamlFromJson(JSON.stringify(values)),
        },
      );
    run('install');
    const installed = await bed.stored(name, 1);
    const first = await bed.install(chartPath, { name, values });
    expect(first.config ?? {}).toEqual(values);
    expect(content(first)).toEqual(content(installed));
    expect(first.info).toMatchObject({
      status: 'pending-install',
      description: 'Initial install underway',
    });

    run('upgrade');
    const previous = { firstDeployed: installed.info.first_deployed, labels: { team: 'blue' } };
    const second = await bed.install(chartPath, { name, values, revision: 2, previous });
    const upgraded = await bed.stored(name, 2);
    expect(content(second)).toEqual(content(upgraded));
    expect(second.info).toMatchObject({
      status: 'pending-upgrade',
      first_deployed: upgraded.info.first_deployed,
    });
    expect(second.labels).toEqual(previous.labels);
  });

  test('values of the release before are kept on request', async () => {
    const name = 'kept';
    const input = '{"greeting":"old","first":{"size":7}}';
    bed.helm(['install', name, chartPath, '-f', '-', '--skip-crds'], { input });
    const { chart, config } = await bed.stored(name, 1);
    bed.helm(['upgrade', name, chartPath, '-f', '-', '--reuse-values'], {
      input: '{"million":5}',
    });
    const rendered = await bed.install(chartPath, {
      name,
      values: { million: 5 },
      revision: 2,
      previous: { reuse: { chart, config } },
    });
    expect(content(rendered)).toEqual(content(await bed.stored(name, 2)));
  });

  test('integers of --set are integers, and those of values are floats', async () => {
    const values = { million: 2_000_000, list: [{ 'a.b': 3_000_000 }], ratio: 4_000_000 };
    const integers = [
      { path: 'million', value: '2000000' },
      { path: 'list[0].a\\.b', value: '3000000' },
    ];
    const { manifest, config } = await bed.install(chartPath, { values, integers });
    expect(manifest).toMatch(/numbers: "\S+ 2000000 4e\+06 /);
    expect(config).toEqual(values);
  });

  test('a release that is installed again has a later number, which templates do not see', async () => {
    const release = await bed.install(chartPath, { revision: 4, applyMethod: 'csa' });
    expect(release).toMatchObject({ version: 4, apply_method: 'csa' });
    expect(release.info.notes).toContain('Revision 1');
  });
});
