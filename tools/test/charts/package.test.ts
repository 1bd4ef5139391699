import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { temporaryFolder, toolPath } from '@sluice/testing';
import { load, loadAll } from 'js-yaml';
import { expect, onTestFinished, test } from 'vitest';
import { chartNames, packageCharts } from '../../charts/package.ts';
import { helm, identity, namespace, packages, type Rendered, render } from './render.ts';

async function folder(): Promise<string> {
  const { path, remove } = await temporaryFolder('packages');
  onTestFinished(remove);
  return path;
}

test('packing twice gives the same bytes', async () => {
  const pack = async () =>
    packageCharts({ helm: toolPath('helm'), dir: await folder(), version: '1.2.3' });
  const [first, second] = [await pack(), await pack()];
  for (const name of chartNames)
    expect((await readFile(first[name])).equals(await readFile(second[name]))).toBe(true);
});

test('packages have the version of the project, in their name, as chart and as application', async () => {
  const manifest = JSON.parse(
    await readFile(join(import.meta.dirname, '../../../package.json'), 'utf8'),
  );
  const dir = await folder();
  const { sluice } = await packageCharts({ helm: toolPath('helm'), dir, names: ['sluice'] });
  expect(basename(sluice)).toBe(`sluice-${manifest.version}.tgz`);
  const chart = load(await helm(['show', 'chart', sluice])) as Record<string, unknown>;
  expect(chart).toMatchObject({ version: manifest.version, appVersion: manifest.version });
});

/** A chart of somebody else that depends on some of ours. */
async function wrapping(dependencies: Record<string, string>, values: string): Promise<Rendered[]> {
  const dir = await folder();
  await mkdir(join(dir, 'charts'));
  const list = Object.keys(dependencies).map((name) => `  - { name: ${name}, version: 1.2.3 }\n`);
  const head = 'apiVersion: v2\nname: theirs\nversion: 1.0.0\ndependencies:\n';
  await writeFile(join(dir, 'Chart.yaml'), head + list.join(''));
  await writeFile(join(dir, 'values.yaml'), values);
  for (const [name, path] of Object.entries(dependencies))
    await writeFile(join(dir, 'charts', `${name}-1.2.3.tgz`), await readFile(path));
  const text = await helm(['template', 'sluice', dir, '--namespace', namespace]);
  return (loadAll(text) as (Rendered | null)[]).filter((object) => object !== null);
}

test('the charts render the same when a chart of somebody else depends on them', async () => {
  const { sluice, 'source-controller': source } = await packages();
  const ids = (objects: Rendered[]) => objects.map(identity).sort();
  const umbrella = await wrapping({ sluice }, 'sluice: { logLevel: debug }\n');
  expect(ids(umbrella)).toEqual(ids(await render('sluice')));
  expect(JSON.stringify(umbrella).match(/--log-level=debug/g)).toHaveLength(4);
  const single = await wrapping({ 'source-controller': source }, '');
  expect(ids(single)).toEqual(ids(await render('source-controller')));
});
