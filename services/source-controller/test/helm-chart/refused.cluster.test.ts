import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { sha256Hex } from '@sluice/shared/base';
import { type HelmServer, startHelmServer } from '@sluice/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ArchiveEntry, tarGz } from '../archives.ts';
import { conditionOf, type SourceBed, startSourceBed } from '../source-bed.ts';

const maxChartBytes = 400_000;
const good: ArchiveEntry = {
  path: 'app/Chart.yaml',
  content: 'apiVersion: v2\nname: app\nversion: 1.0.0\n',
};

let bed: SourceBed;
let server: HelmServer;

/** 220 MiB of zeros after a chart that looks sound. */
function bomb(): Buffer {
  const sound = tarGz([good]);
  const zeros = gzipSync(Buffer.alloc(110 * 1024 * 1024), { level: 9 });
  return Buffer.concat([sound, zeros, zeros]);
}

function indexOf(content: Buffer, digest = sha256Hex(content)): string {
  return `apiVersion: v1
entries:
  app:
  - apiVersion: v2
    name: app
    version: 1.0.0
    urls: [app.tgz]
    digest: "${digest}"
  ..:
  - apiVersion: v2
    name: ..
    version: 1.0.0
    urls: [app.tgz]
`;
}

beforeAll(async () => {
  [bed, server] = await Promise.all([
    startSourceBed({ extraArgs: [`--helm-chart-max-size=${maxChartBytes}`] }),
    startHelmServer(),
  ]);
});

afterAll(async () => {
  await Promise.all([bed?.stop(), server?.stop()]);
});

/** Publishes hand-made content as the chart 'app', and returns the HelmChart made of it. */
async function chartOf(name: string, content: Buffer, spec: object = {}, digest?: string) {
  server.files.set(`${name}/index.yaml`, Buffer.from(indexOf(content, digest)));
  server.files.set(`${name}/app.tgz`, content);
  const url = `${new URL(server.url).origin}/${name}`;
  await bed.ready(await bed.createHelm(name, { url }));
  const sourceRef = { kind: 'HelmRepository' as const, name };
  return bed.createChart(name, { chart: 'app', sourceRef, ...spec });
}

describe('a package that is refused', () => {
  it.each([
    { name: 'bomb', content: bomb, message: /unpacks to more than/ },
    {
      name: 'large',
      content: () => Buffer.alloc(2 * maxChartBytes, 'x'),
      message: /over 400000 bytes/,
    },
    {
      name: 'metadata-link',
      content: () => tarGz([{ path: 'app/Chart.yaml', linkpath: '/etc/passwd' }]),
      message: /chart name is missing/,
    },
    {
      name: 'climbing',
      content: () => tarGz([good, { path: 'app/../../evil', content: 'x' }]),
      message: /must not contain/,
    },
    {
      name: 'absolute',
      content: () => tarGz([good, { path: '/evil', content: 'x' }]),
      message: /must be relative/,
    },
    {
      name: 'setuid',
      content: () => tarGz([good, { path: 'app/run', content: 'x', mode: 0o4755 }]),
      message: /setuid/,
    },
    {
      name: 'two-roots',
      content: () => tarGz([good, { path: 'other/Chart.yaml', content: 'x' }]),
      message: /one directory/,
    },
    {
      name: 'dots',
      content: () => tarGz([{ ...good, content: 'apiVersion: v2\nname: ..\nversion: 1.0.0\n' }]),
      message: /chart name "\.\."/,
    },
    {
      name: 'other-name',
      content: () => tarGz([{ ...good, content: 'apiVersion: v2\nname: b\nversion: 1.0.0\n' }]),
      message: /holds the chart 'b'/,
    },
    {
      name: 'no-chart',
      content: () => tarGz([{ path: 'app/values.yaml', content: 'a: 1\n' }]),
      message: /Chart\.yaml file is missing/,
    },
    { name: 'no-archive', content: () => Buffer.from('hello'), message: /archive refused/ },
  ])('is not stored, and the reason named: $name', async ({ name, content, message }) => {
    const failed = await bed.failed(await chartOf(name, content()), 'ChartPullError');
    expect(conditionOf(failed, 'FetchFailed')?.message).toMatch(message);
    expect(failed.status?.artifact).toBeUndefined();
  });

  it('is not stored when it has another digest than the index says', async () => {
    const chart = await chartOf('digest', tarGz([good]), {}, '0'.repeat(64));
    const failed = await bed.failed(chart, 'ChartPullError');
    expect(conditionOf(failed, 'Ready')?.message).toContain('the index says sha256:0000');
  });

  it.each([
    { name: 'values-out', valuesFiles: ['../../etc/passwd'], message: /outside of the source/ },
    { name: 'values-list', valuesFiles: ['list.yaml'], message: /list\.yaml: must hold a map/ },
  ])('is not packed with values files such as these: $name', async (c) => {
    const content = tarGz([
      good,
      { path: 'app/values.yaml', content: 'a: 1\n' },
      { path: 'app/list.yaml', content: '- a\n' },
    ]);
    const chart = await chartOf(c.name, content, { valuesFiles: c.valuesFiles });
    const failed = await bed.failed(chart, 'ValuesFilesError');
    expect(conditionOf(failed, 'BuildFailed')?.message).toMatch(c.message);
  });

  it('cannot be asked for by a name that is a path', async () => {
    const chart = await chartOf('path', tarGz([good]), { chart: '..' });
    const failed = await bed.failed(chart, 'InvalidChartReference');
    expect(conditionOf(failed, 'Stalled')?.status).toBe('True');
  });

  it('leaves the memory bounded and nothing on the disk', async () => {
    const { peakRssMiB } = await bed.process.usage();
    expect(peakRssMiB).toBeLessThan(700);
    // Those that are tried again have a file there while they are.
    const left = async () => {
      const dir = join(bed.storage, '../tmp');
      const items = await readdir(dir, { recursive: true, withFileTypes: true });
      return items.filter((item) => item.isFile()).map((item) => item.name);
    };
    await expect.poll(left, { timeout: 30_000 }).toEqual([]);
  });
});
