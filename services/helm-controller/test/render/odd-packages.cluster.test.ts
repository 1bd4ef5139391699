import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type RawEntry, rawArchive } from '../../../../libs/shared/test/artifact/tar-builder.ts';
import { chartWorld } from '../chart/charts.ts';
import { createRenderBed, type RenderBed } from './bed.ts';

let bed: RenderBed;
beforeAll(async () => {
  bed = await createRenderBed();
});
afterAll(() => bed.close());

const configMap = (name: string, value: string) =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ${name}\ndata:\n  v: "${value}"\n`;
const good: RawEntry[] = [
  { path: 'app/Chart.yaml', content: 'apiVersion: v2\nname: app\nversion: 1.0.0\n' },
  { path: 'app/values.yaml', content: 'v: one\n' },
  { path: 'app/templates/a.yaml', content: configMap('a', '{{ .Values.v }}') },
];

test.each<{ name: string; entries: RawEntry[] }>([
  {
    name: 'a symbolic link among the templates',
    entries: [{ path: 'app/templates/b.yaml', type: 'SymbolicLink', linkpath: 'a.yaml' }],
  },
  {
    name: 'a hard link among the templates',
    entries: [{ path: 'app/templates/b.yaml', type: 'Link', linkpath: 'app/templates/a.yaml' }],
  },
  {
    name: 'a link out of it, in place of its values',
    entries: [{ path: 'app/values.yaml', type: 'SymbolicLink', linkpath: '/etc/passwd' }],
  },
  {
    name: 'a link in place of Chart.lock',
    entries: [{ path: 'app/Chart.lock', type: 'SymbolicLink', linkpath: '/etc/passwd' }],
  },
  {
    name: 'values that are there twice',
    entries: [{ path: 'app/values.yaml', content: 'v: two\n' }],
  },
  {
    name: 'a template that is there twice',
    entries: [{ path: 'app/templates/a.yaml', content: configMap('b', 'two') }],
  },
  {
    name: 'a chart inside that is there twice',
    entries: [1, 2].flatMap(() => [
      { path: 'app/charts/y/Chart.yaml', content: 'apiVersion: v2\nname: y\nversion: 1.0.0\n' },
      { path: 'app/charts/y/templates/y.yaml', content: configMap('y', 'y') },
    ]),
  },
])('a package with $name renders as helm renders it', async ({ entries }) => {
  const { cache, serve } = await chartWorld();
  const archive = rawArchive([...good, ...entries]);
  const { path, release } = await cache.acquire({ kind: 'HelmChart', artifact: serve(archive) });
  const ours = await bed.install(path);
  release();
  const plain = join(bed.dir, 'plain.tgz');
  await writeFile(plain, archive);
  expect(ours.manifest.trim()).toBe(bed.helm(['template', 'web', plain]).trim());
});
