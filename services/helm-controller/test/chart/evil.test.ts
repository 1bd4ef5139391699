import { readdir } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { rawArchive, rawTar } from '../../../../libs/shared/test/artifact/tar-builder.ts';
import { chartWorld } from './charts.ts';

type Entry = Parameters<typeof rawArchive>[0][number];

const chartYaml = (name = 'app', directory = 'app'): Entry => ({
  path: `${directory}/Chart.yaml`,
  content: `apiVersion: v2\nname: ${JSON.stringify(name)}\nversion: 1.0.0\n`,
});
const withEntry = (entry: Entry) => rawArchive([chartYaml(), entry]);
const packed = (content: Buffer): Entry => ({
  path: 'app/charts/inner.tgz',
  content: content.toString('latin1'),
});

/** Puts binary content into an entry, which the builder takes as text. */
function holding(inner: Buffer): Buffer {
  const marker = 'x'.repeat(inner.length);
  const tar = rawTar([chartYaml(), { ...packed(inner), content: marker }]);
  inner.copy(tar, tar.indexOf(marker));
  return gzipSync(tar);
}

function nested(levels: number): Buffer {
  let archive = rawArchive([chartYaml()]);
  for (let level = 0; level < levels; level++) archive = holding(archive);
  return archive;
}

const zeros = (megabytes: number) =>
  rawArchive([chartYaml(), { path: 'app/files/zeros', content: '0'.repeat(megabytes * 2 ** 20) }]);

function manyBombs(): Buffer {
  const bomb = zeros(30);
  const marker = 'x'.repeat(bomb.length);
  const names = ['a', 'b', 'c', 'd', 'e'];
  const entries = names.map((n) => ({ path: `app/charts/${n}.tgz`, content: marker }));
  const tar = rawTar([chartYaml(), ...entries]);
  for (let at = tar.indexOf(marker); at >= 0; at = tar.indexOf(marker)) bomb.copy(tar, at);
  return gzipSync(tar);
}

const dots = ['../x', 'app/../../x', '/etc/x', 'app//x', 'app/./x', 'app\\..\\..\\x'];

test.each([
  ...dots.map((path) => ({ name: `path ${path}`, archive: withEntry({ path }) })),
  {
    name: 'a symbolic link in place of Chart.yaml',
    archive: rawArchive([
      { path: 'app/Chart.yaml', type: 'SymbolicLink', linkpath: '/etc/passwd' },
    ]),
  },
  {
    name: 'a link that has content',
    archive: withEntry({ path: 'app/x', type: 'Link', linkpath: 'app/Chart.yaml', content: 'x' }),
  },
  { name: 'a FIFO', archive: withEntry({ path: 'app/x', type: 'FIFO' }) },
  { name: 'a device', archive: withEntry({ path: 'app/x', type: 'CharacterDevice' }) },
  { name: 'setuid', archive: withEntry({ path: 'app/x', content: 'x', mode: 0o4755 }) },
  {
    name: 'two Chart.yaml that differ',
    archive: withEntry({ ...chartYaml(), content: 'name: app\nversion: 9.0.0\n' }),
  },
  { name: 'a second directory', archive: withEntry({ path: 'other/x', content: 'x' }) },
  { name: 'a chart at the root', archive: rawArchive([{ ...chartYaml(), path: 'Chart.yaml' }]) },
  { name: 'no Chart.yaml', archive: rawArchive([{ path: 'app/x', content: 'x' }]) },
  { name: 'no files', archive: rawArchive([{ path: 'app/', type: 'Directory' }]) },
  ...['..', '.', 'a/b', '../x', 'a\\b', ''].map((name) => ({
    name: `the chart name ${JSON.stringify(name)}`,
    archive: rawArchive([chartYaml(name)]),
  })),
  {
    name: 'no version',
    archive: rawArchive([{ path: 'app/Chart.yaml', content: 'apiVersion: v2\nname: app\n' }]),
  },
  {
    name: 'a list for Chart.yaml',
    archive: rawArchive([{ path: 'app/Chart.yaml', content: '[]' }]),
  },
  {
    name: 'YAML with a bomb of aliases',
    archive: rawArchive([
      {
        path: 'app/Chart.yaml',
        content: `name: app\nversion: 1.0.0\na0: &a0 [x]\n${Array.from(
          { length: 30 },
          (_, n) => `a${n + 1}: &a${n + 1} [${Array(10).fill(`*a${n}`).join(',')}]`,
        ).join('\n')}\n`,
      },
    ]),
  },
  { name: 'text that is no archive', archive: Buffer.from('apiVersion: v2') },
  { name: 'a truncated archive', archive: rawArchive([chartYaml()]).subarray(0, 60) },
  { name: 'a bomb', archive: zeros(150) },
  { name: 'bombs that exceed the limit together', archive: manyBombs() },
  { name: 'archives nested deeply', archive: nested(25) },
  {
    name: 'an evil chart inside',
    archive: holding(rawArchive([chartYaml('..', 'inner')])),
  },
  {
    name: 'an evil entry inside',
    archive: holding(rawArchive([chartYaml('x', 'x'), { path: '../../x', content: 'x' }])),
  },
  {
    name: 'a file that pretends to be a packaged chart',
    archive: withEntry({ path: 'app/charts/x.tgz', content: 'x' }),
  },
  {
    name: 'a directory that pretends to be a packaged chart',
    archive: withEntry({ path: 'app/charts/x.tgz/Chart.yaml', content: 'x' }),
  },
  {
    name: 'a directory in charts without Chart.yaml',
    archive: withEntry({ path: 'app/charts/x/values.yaml', content: 'x: 1' }),
  },
])('a chart archive with $name is refused, and nothing is kept', async ({ archive }) => {
  const { cache, serve, dir } = await chartWorld();
  const before = process.memoryUsage().rss;
  await expect(
    cache.acquire({ kind: 'HelmChart', artifact: serve(archive) }),
  ).rejects.toMatchObject({
    kind: 'stalled',
    reason: 'ArtifactFailed',
    message: expect.stringMatching(/refused/),
  });
  expect(await readdir(dir)).toEqual([]);
  expect(process.memoryUsage().rss - before).toBeLessThan(900 * 2 ** 20);
});

test('charts nested within reason are taken', async () => {
  const { cache, serve } = await chartWorld();
  const chart = await cache.acquire({ kind: 'HelmChart', artifact: serve(nested(5)) });
  expect(chart.metadata.name).toBe('app');
});
