import { randomBytes } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { rawArchive } from '../../../../libs/shared/test/artifact/tar-builder.ts';
import { directory, helm } from '../values/helm.ts';
import { chartFiles, chartWorld, packageChart } from './charts.ts';

const digest = 'sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef';

/** What helm makes of an archive. */
async function rendered(path: string): Promise<string | undefined> {
  return helm(['template', 'x', path], await directory());
}

describe('ChartCache', () => {
  test('downloads and prepares a chart once for all who ask', async () => {
    const { cache, serve, requests } = await chartWorld();
    const archive = await packageChart(chartFiles());
    const artifact = serve(archive);
    const ask = () => cache.acquire({ kind: 'HelmChart', artifact });
    const [first, ...others] = await Promise.all([ask(), ask(), ask()]);
    if (first === undefined) throw new Error('unreachable');
    const later = await ask();

    expect(requests).toHaveLength(1);
    expect([...others, later].map(({ path }) => path)).toEqual(Array(3).fill(first.path));
    expect(await readFile(first.path)).toEqual(archive);
    expect(first.metadata).toEqual({
      apiVersion: 'v2',
      name: 'app',
      version: '1.2.3',
      appVersion: '1.10',
    });
    expect([first.revisionDigest, first.crds({})]).toEqual([undefined, []]);
  });

  test('drops what is not in use once it is full', async () => {
    const { cache, serve, dir, requests } = await chartWorld({ maxBytes: 1 });
    const [one, two] = await Promise.all(['one', 'two'].map((n) => packageChart(chartFiles(n))));
    const artifacts = [serve(one as Buffer), serve(two as Buffer)] as const;
    const held = await cache.acquire({ kind: 'HelmChart', artifact: artifacts[0] });
    const other = await cache.acquire({ kind: 'HelmChart', artifact: artifacts[1] });
    other.release();
    expect((await cache.acquire({ kind: 'HelmChart', artifact: artifacts[0] })).path).toBe(
      held.path,
    );
    expect(requests).toHaveLength(2);
    expect(await rendered(held.path)).toContain('1.2.3');
    await cache.close();
    expect(await readdir(dir)).toEqual([]);
  });

  test('takes a package with a file twice, and tracks the digest of its source in it', async () => {
    const { cache, serve } = await chartWorld();
    const entries = Object.entries(chartFiles()).map(([path, content]) => ({
      path: `app/${path}`,
      content,
    }));
    const first = { path: 'app/values.yaml', content: 'greeting: first\n' };
    const archive = rawArchive([first, ...entries, ...entries]);
    const artifact = serve(archive, `1.2.3@${digest}`);
    const chart = await cache.acquire({ kind: 'OCIRepository', artifact });
    const output = await rendered(chart.path);
    expect(output).toContain('v: "1.2.3+0123456789ab"');
    expect(output).toContain('g: hello');
  });

  test.each([
    { kind: 'OCIRepository', revision: `1.2.3@${digest}`, expected: '1.2.3+0123456789ab' },
    { kind: 'OCIRepository', revision: `v1.2.3_old@${digest}`, expected: '1.2.3+0123456789ab' },
    { kind: 'OCIRepository', revision: `latest@${digest}`, expected: '1.2.3+0123456789ab' },
    { kind: 'ExternalArtifact', revision: digest, expected: '1.2.3+0123456789ab' },
    { kind: 'ExternalArtifact', revision: '1.2.3', expected: '1.2.3+build' },
    { kind: 'HelmChart', revision: '1.2.3+build', expected: '1.2.3+build' },
  ] as const)('gives the version $expected for $kind $revision', async (row) => {
    const { cache, serve } = await chartWorld();
    const content =
      '# version: 9\ndescription: |\n  version: 8\napiVersion: v2\nname: app\nversion: "1.2.3+build" # x\nappVersion: 1.10\n';
    const archive = rawArchive([
      { path: 'app/Chart.yaml', content },
      { path: 'app/templates/a.yaml', content: 'v: "{{ .Chart.Version }}"' },
    ]);
    const artifact = serve(archive, row.revision);
    const chart = await cache.acquire({ kind: row.kind, artifact });
    expect(chart.metadata.version).toBe(row.expected);
    expect(chart.metadata['description']).toBe('version: 8\n');
    expect(await rendered(chart.path)).toContain(`v: "${row.expected}"`);
    expect(chart.revisionDigest).toBe(
      row.expected === '1.2.3+build'
        ? undefined
        : row.revision.startsWith('latest')
          ? row.revision
          : digest,
    );
  });

  test('keeps everything but the version: times, modes, other files, also of a flow style Chart.yaml', async () => {
    const { cache, serve } = await chartWorld();
    const archive = rawArchive([
      { path: 'app/', type: 'Directory' },
      { path: 'app/Chart.yaml', content: '{apiVersion: v2, name: app, version: 1.2.3}' },
      { path: 'app/templates/a.yaml', content: 'a: {{ .Chart.Version }}', mode: 0o755 },
      { path: 'app/files/x', content: 'x'.repeat(2000) },
    ]);
    const artifact = serve(archive, `1.2.3@${digest}`);
    const chart = await cache.acquire({ kind: 'OCIRepository', artifact });
    expect(chart.metadata).toEqual({
      apiVersion: 'v2',
      name: 'app',
      version: '1.2.3+0123456789ab',
    });
    expect(await rendered(chart.path)).toContain('a: 1.2.3+0123456789ab');
  });

  test('leaves the version alone when digests are not tracked, and still tells the digest', async () => {
    const { cache, serve } = await chartWorld({ trackDigests: false });
    const archive = await packageChart(chartFiles());
    const artifact = serve(archive, `1.2.3@${digest}`);
    const chart = await cache.acquire({ kind: 'OCIRepository', artifact });
    expect(chart.metadata.version).toBe('1.2.3');
    expect(chart.revisionDigest).toBe(digest);
    expect(await readFile(chart.path)).toEqual(archive);
  });

  test('prepares a large chart in a worker thread', async () => {
    const { cache, serve } = await chartWorld({ maxBytes: 10_000_000 });
    const files = { ...chartFiles(), 'files/big': randomBytes(400_000).toString('hex') };
    const artifact = serve(await packageChart(files), `1.2.3@${digest}`);
    const chart = await cache.acquire({ kind: 'OCIRepository', artifact });
    expect(await rendered(chart.path)).toContain('1.2.3+0123456789ab');
  });

  test.each([
    { name: 'a tag of another version', revision: `1.2.4@${digest}`, message: /does not match/ },
    { name: 'a revision without a digest', revision: 'main', message: /holds no digest/ },
    { name: 'a short digest', revision: 'latest@sha256:0123', message: /holds no digest/ },
  ])('refuses $name', async ({ revision, message }) => {
    const { cache, serve, dir } = await chartWorld();
    const artifact = serve(await packageChart(chartFiles()), revision);
    await expect(cache.acquire({ kind: 'OCIRepository', artifact })).rejects.toMatchObject({
      kind: 'stalled',
      reason: 'ArtifactFailed',
      message: expect.stringMatching(message),
    });
    expect(await readdir(dir)).toEqual([]);
  });

  test('tries again later when the artifact is gone or damaged', async () => {
    const { cache, serve, dir } = await chartWorld();
    const artifact = serve(await packageChart(chartFiles()));
    for (const other of [
      { ...artifact, url: `${artifact.url}x` },
      { ...artifact, digest },
    ]) {
      await expect(cache.acquire({ kind: 'HelmChart', artifact: other })).rejects.toMatchObject({
        kind: 'retryable',
        reason: 'ArtifactFailed',
      });
    }
    expect(await readdir(dir)).toEqual([]);
  });
});
