import { describe, expect, test } from 'vitest';
import type { Values } from '../../src/release/release.ts';
import { directory, helm } from '../values/helm.ts';
import { chartFiles, chartWorld, packageChart } from './charts.ts';

async function prepared(files: Record<string, string>) {
  const { cache, serve } = await chartWorld();
  return cache.acquire({ kind: 'HelmChart', artifact: serve(await packageChart(files)) });
}

const crd = (name: string) =>
  JSON.stringify({
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name },
  });

describe('metadata', () => {
  test('reads texts as Helm does, and the dependencies of old charts', async () => {
    const inner = { 'charts/db/Chart.yaml': 'apiVersion: v1\nname: db\nversion: 1.0.0\n' };
    const chart = await prepared({
      ...chartFiles(),
      ...inner,
      'Chart.yaml':
        'name: app\nversion: 1.2.3\nappVersion: 1.10\ndescription: true\nicon: ~\nannotations: {a: b}\n',
      'requirements.yaml': 'dependencies:\n- {name: db, version: 1.0.0, repository: ""}\n',
    });
    expect(chart.metadata).toMatchObject({
      apiVersion: 'v1',
      appVersion: '1.1',
      description: 'true',
      annotations: { a: 'b' },
      dependencies: [{ name: 'db' }],
    });
    expect('icon' in chart.metadata).toBe(false);
  });
});

const child = (name: string, more: Record<string, string> = {}, chartYaml = '') =>
  Object.fromEntries(
    Object.entries({
      'Chart.yaml': `apiVersion: v2\nname: ${name}\nversion: 1.0.0\n${chartYaml}`,
      'crds/crd.yaml': crd(name),
      'templates/a.yaml': '{{- /* nothing */ -}}',
      ...more,
    }).map(([path, content]) => [`charts/${name}/${path}`, content]),
  );

const tree = {
  ...chartFiles(),
  'Chart.yaml': [
    'apiVersion: v2',
    'name: app',
    'version: 1.2.3',
    'dependencies:',
    '- {name: plain, version: 1.0.0, repository: ""}',
    '- {name: db, version: 1.0.0, repository: "", condition: "db.enabled,global.db.enabled", tags: [backend]}',
    '- {name: cache, version: 1.0.0, repository: "", tags: [backend, fast]}',
    '- {name: twin, alias: left, version: 1.0.0, repository: "", condition: left.enabled}',
    '- {name: twin, alias: right, version: 1.0.0, repository: "", condition: right.enabled}',
    '- {name: opt, version: 1.0.0, repository: "", condition: opt.enabled}',
    '',
  ].join('\n'),
  'values.yaml': 'right: {enabled: false}\n',
  'crds/own.yaml': crd('own'),
  'crds/dir/b.yml': crd('dir'),
  'crds/notes.txt': 'no CRD',
  ...child('plain'),
  ...child('unlisted'),
  ...child('db'),
  ...child('cache'),
  ...child('twin'),
  ...child(
    'opt',
    {
      'values.yaml': 'enabled: false\ndeep: {enabled: true}\n',
      'charts/deep/Chart.yaml': 'apiVersion: v2\nname: deep\nversion: 1.0.0\n',
      'charts/deep/crds/crd.yaml': crd('deep'),
    },
    'dependencies:\n- {name: deep, version: 1.0.0, repository: "", condition: deep.enabled, tags: [backend]}\n',
  ),
};

describe('crds', () => {
  test.each<{ name: string; values: Values }>([
    { name: 'the defaults', values: {} },
    { name: 'a condition', values: { db: { enabled: false } } },
    { name: 'a global condition', values: { global: { db: { enabled: false } } } },
    {
      name: 'a condition before a global one',
      values: { db: { enabled: true }, global: { db: { enabled: false } } },
    },
    { name: 'a tag', values: { tags: { backend: false } } },
    { name: 'one of two tags', values: { tags: { backend: false, fast: true } } },
    { name: 'a condition over a tag', values: { db: { enabled: true }, tags: { backend: false } } },
    { name: 'a condition that is no boolean', values: { db: { enabled: 'no' } } },
    { name: 'a condition without a table', values: { db: { enabled: { x: 1 } } } },
    { name: 'both aliases', values: { right: { enabled: true } } },
    { name: 'no alias', values: { left: { enabled: false } } },
    { name: 'the default of an inner chart undone', values: { opt: { enabled: true } } },
    { name: 'an inner one off', values: { opt: { enabled: true, deep: { enabled: false } } } },
    {
      name: 'an inner one with a tag',
      values: { opt: { enabled: true, deep: { enabled: null } }, tags: { backend: false } },
    },
    { name: 'a default taken away', values: { right: { enabled: null } } },
    { name: 'names that objects inherit', values: { constructor: { enabled: false } } },
  ])('are those of helm for $name', async ({ values }) => {
    const chart = await prepared(tree);
    const mine = chart.crds(values);
    const dir = await directory();
    const { writeFile } = await import('node:fs/promises');
    await writeFile(`${dir}/values.yaml`, JSON.stringify(values));
    const args = ['template', 'x', chart.path, '-f', 'values.yaml', '--include-crds'];
    const stdout = (await helm(args, dir)) ?? '';
    const names = [...stdout.matchAll(/"metadata":\{"name":"(\w+)"\}/g)].map(([, name]) => name);
    const paths = [...stdout.matchAll(/^# Source: (.*crds.*)$/gm)].map(([, path]) => path);
    expect(names.length).toBeGreaterThan(2);
    expect(mine.map(({ content }) => JSON.parse(content).metadata.name).sort()).toEqual(
      names.sort(),
    );
    expect(mine.length).toBe(paths.length);
    expect(mine[0]?.path).toMatch(/^app\/crds\//);
  });
});
