import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type GitServer,
  type HelmServer,
  runHelm,
  startGitServer,
  startHelmServer,
  startObjectStore,
  temporaryFolder,
} from '@sluice/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { conditionOf, download, filesOf, type SourceBed, startSourceBed } from '../source-bed.ts';

const template =
  'kind: ConfigMap\napiVersion: v1\nmetadata:\n  name: {{ .Chart.Name }}\ndata:\n  size: "{{ .Values.size }}"\n';

const chartFile = (name: string, version: string, more = '') =>
  `apiVersion: v2\nname: ${name}\nversion: ${version}\n${more}`;

let bed: SourceBed;
let git: GitServer;
let helm: HelmServer;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;

beforeAll(async () => {
  [bed, git, helm, folder] = await Promise.all([
    startSourceBed(),
    startGitServer(),
    startHelmServer(),
    temporaryFolder('charts'),
  ]);
});

afterAll(async () => {
  await Promise.all([bed?.stop(), git?.stop(), helm?.stop(), folder?.remove()]);
});

async function rendered(content: Buffer, name: string): Promise<string> {
  const path = join(folder.path, `${name}.tgz`);
  await writeFile(path, content);
  return runHelm(['template', 'release', path], folder.path);
}

async function source(name: string, files: Record<string, string>) {
  const repository = await git.createRepo(name, files);
  const object = await bed.createGit(name, { url: git.url(name), ref: { branch: 'main' } });
  return { repository, object: await bed.ready(object) };
}

const from = (name: string) => ({ kind: 'GitRepository' as const, name });

describe('a HelmChart of a GitRepository', () => {
  it('packs the directory, without what .helmignore leaves out', async () => {
    await source('plain', {
      'charts/app/Chart.yaml': chartFile('app', '0.1.0', '# a comment\n'),
      'charts/app/values.yaml': 'size: 1\n',
      'charts/app/.helmignore': 'secret*\n*.bak\n/docs/\n',
      'charts/app/secret.txt': 'x',
      'charts/app/docs/a.md': 'x',
      'charts/app/templates/a.yaml': template,
      'charts/app/templates/.hidden': 'x',
      'charts/app/templates/a.bak': 'x',
      'other/values.yaml': 'size: 7\n',
    });
    const spec = { chart: './charts/app/', sourceRef: from('plain') };
    const chart = await bed.ready(await bed.createChart('plain', spec), '0.1.0');
    expect(conditionOf(chart, 'Ready')).toMatchObject({
      reason: 'ChartPackageSucceeded',
      message: "packaged 'app' chart with version '0.1.0'",
    });
    expect(Object.keys(await filesOf(chart.status?.artifact))).toEqual([
      'app/.helmignore',
      'app/Chart.yaml',
      'app/templates/a.yaml',
      'app/values.yaml',
    ]);
    expect(await rendered(await download(chart.status?.artifact), 'plain')).toContain('size: "1"');

    const valuesFiles = ['charts/app/values.yaml', 'other/values.yaml'];
    const other = await bed.createChart('plain-values', { ...spec, valuesFiles });
    const merged = await bed.ready(other, '0.1.0+1');
    expect(await rendered(await download(merged.status?.artifact), 'merged')).toContain(
      'size: "7"',
    );
  });

  it('follows the version, or each revision, of the source', async () => {
    const files = {
      'app/Chart.yaml': chartFile('app', '0.1.0'),
      'app/values.yaml': 'size: 1\n',
      'app/templates/a.yaml': template,
    };
    const { repository, object } = await source('moving', files);
    const spec = { chart: 'app', sourceRef: from('moving') };
    const byVersion = await bed.createChart('by-version', spec);
    const byRevision = await bed.createChart('by-revision', {
      ...spec,
      reconcileStrategy: 'Revision',
    });
    const suffix = (revision = '') => revision.split(':')[1]?.slice(0, 12);
    const before = object.status?.artifact?.revision;
    const first = await bed.ready(byVersion, '0.1.0');
    await bed.ready(byRevision, `0.1.0+${suffix(before)}`);
    expect(first.status?.artifact?.metadata).toMatchObject({
      'facts.sluice.dev/commitAuthor': 'Test Author',
      'facts.sluice.dev/sourceRevision': before,
      'facts.sluice.dev/sourceURL': git.url('moving'),
    });

    await repository.commit({ branch: 'main', files: { 'app/values.yaml': 'size: 2\n' } });
    const after = (await bed.request(object)).status?.artifact?.revision;
    expect(after).not.toBe(before);
    const revised = await bed.ready(byRevision, `0.1.0+${suffix(after)}`);
    expect(await filesOf(revised.status?.artifact)).toMatchObject({
      'app/values.yaml': 'size: 2\n',
    });
    const seen = await bed.until(
      byVersion,
      (o) => o.status?.observedSourceArtifactRevision === after,
    );
    expect(seen.status?.artifact).toEqual(first.status?.artifact);

    await repository.commit({
      branch: 'main',
      files: { 'app/Chart.yaml': chartFile('app', '0.2.0') },
    });
    await bed.request(object);
    await bed.ready(byVersion, '0.2.0');
  });

  it('brings along the dependencies that the source lacks', async () => {
    await helm.publish(
      { name: 'remote', version: '1.0.0', files: { 'templates/a.yaml': template } },
      { name: 'remote', version: '1.5.0', files: { 'templates/a.yaml': template } },
    );
    const dependencies = [
      { name: 'local', version: '0.x', repository: 'file://../local' },
      { name: 'vendored', version: '*', repository: 'https://example.invalid' },
      { name: 'remote', version: '^1.0.0', repository: helm.url, alias: 'far' },
    ];
    await source('parent', {
      'app/Chart.yaml': chartFile('app', '1.0.0', `dependencies: ${JSON.stringify(dependencies)}`),
      'app/values.yaml': 'size: 1\nfar: {size: 5}\n',
      'app/charts/vendored/Chart.yaml': chartFile('vendored', '3.0.0'),
      'local/Chart.yaml': chartFile('local', '0.4.0'),
      'local/values.yaml': 'size: 4\n',
      'local/templates/a.yaml': template,
    });
    const spec = { chart: 'app', sourceRef: from('parent') };
    const chart = await bed.ready(await bed.createChart('parent', spec), '1.0.0');
    const content = await download(chart.status?.artifact);
    const output = await rendered(content, 'parent');
    expect(output).toContain('name: local\ndata:\n  size: "4"');
    expect(output).toContain('name: far\ndata:\n  size: "5"');
    const again = await bed.ready(await bed.createChart('parent-again', spec));
    expect(again.status?.artifact?.digest).toBe(chart.status?.artifact?.digest);
  });

  it('keeps two versions of a local chart apart', async () => {
    const repository = (version: string) => `file://../v${version[0]}`;
    const dependency = (version: string, alias: string) => ({
      name: 'part',
      version,
      alias,
      repository: repository(version),
    });
    const dependencies = [dependency('1.x', 'old'), dependency('2.x', 'new')];
    const part = (version: string) => ({
      [`v${version[0]}/Chart.yaml`]: chartFile('part', version),
      [`v${version[0]}/values.yaml`]: `size: ${version[0]}\n`,
      [`v${version[0]}/templates/${version[0]}.yaml`]: template,
    });
    await source('parts', {
      'app/Chart.yaml': chartFile('app', '1.0.0', `dependencies: ${JSON.stringify(dependencies)}`),
      ...part('1.2.0'),
      ...part('2.3.0'),
    });
    const spec = { chart: 'app', sourceRef: from('parts') };
    const chart = await bed.ready(await bed.createChart('parts', spec), '1.0.0');
    const output = await rendered(await download(chart.status?.artifact), 'parts');
    expect(output).toContain('name: old\ndata:\n  size: "1"');
    expect(output).toContain('name: new\ndata:\n  size: "2"');
    expect(output.match(/kind: ConfigMap/g)).toHaveLength(2);
  });

  it('refuses two local charts of one name and version', async () => {
    const dependencies = ['a', 'b'].map((alias) => ({
      name: 'part',
      version: '1.0.0',
      alias,
      repository: `file://../${alias}`,
    }));
    await source('same', {
      'app/Chart.yaml': chartFile('app', '1.0.0', `dependencies: ${JSON.stringify(dependencies)}`),
      'a/Chart.yaml': chartFile('part', '1.0.0'),
      'b/Chart.yaml': chartFile('part', '1.0.0'),
    });
    const spec = { chart: 'app', sourceRef: from('same') };
    const failed = await bed.failed(await bed.createChart('same', spec), 'DependencyBuildError');
    expect(conditionOf(failed, 'Ready')?.message).toContain(
      "from 'file://../a' and from 'file://../b'",
    );
  });

  it('reaches a dependency as the HelmRepository with its address says', async () => {
    const login = { username: 'user', password: 'canary-99aa' };
    const closed = await startHelmServer({ auth: login });
    try {
      await closed.publish({ name: 'inner', version: '1.0.0' });
      const dependencies = [{ name: 'inner', version: '1.0.0', repository: closed.url }];
      await source('closed-parent', {
        'Chart.yaml': chartFile('app', '1.0.0', `dependencies: ${JSON.stringify(dependencies)}`),
      });
      const spec = { chart: '.', sourceRef: from('closed-parent') };
      const chart = await bed.createChart('closed-parent', spec);
      const failed = await bed.failed(chart, 'DependencyBuildError');
      expect(conditionOf(failed, 'BuildFailed')?.message).toContain("remote dependency 'inner'");
      await bed.createSecret('inner', login);
      const repo = { url: `${closed.url}/`, secretRef: { name: 'inner' } };
      await bed.ready(await bed.createHelm('inner', repo));
      await bed.ready(chart, '1.0.0');
    } finally {
      await closed.stop();
    }
  });

  it('takes a packed chart as it is', async () => {
    await helm.publish({ name: 'packed', version: '2.0.0' });
    const content = helm.files.get('charts/packed-2.0.0.tgz') as Buffer;
    await source('packed', { 'packed.tgz': content as never });
    const spec = { chart: 'packed.tgz', sourceRef: from('packed') };
    const chart = await bed.ready(await bed.createChart('packed', spec), '2.0.0');
    expect((await download(chart.status?.artifact)).equals(content)).toBe(true);
    expect(conditionOf(chart, 'Ready')?.reason).toBe('ChartPullSucceeded');
  });

  it('may as well come from a Bucket', async () => {
    const chart = await bed.createChart('bucket', {
      chart: './',
      sourceRef: { kind: 'Bucket', name: 'bucket' },
      reconcileStrategy: 'Revision',
    });
    await bed.failed(chart, 'SourceUnavailable');
    const store = await startObjectStore();
    const { endpoint, accessKey: accesskey, secretKey: secretkey } = store;
    await bed.createSecret('bucket', { accesskey, secretkey });
    const secretRef = { name: 'bucket' };
    // What is there before all files are would be an artifact, too.
    const spec = { bucketName: 'charts', endpoint, insecure: true, secretRef, suspend: true };
    const bucket = await bed.createBucket('bucket', spec);
    await bed.failed(chart, 'NoSourceArtifact');
    await store.makeBucket('charts');
    await store.put('charts', 'Chart.yaml', chartFile('app', '1.0.0'));
    await bed.patchSpec(bucket, { suspend: false });
    const { status } = await bed.ready(bucket);
    const [, hex = ''] = status?.artifact?.revision.split(':') ?? [];
    await bed.ready(chart, `1.0.0+${hex.slice(0, 12)}`);
    await store.stop();
  });

  it.each([
    { name: 'missing', chart: 'nowhere', reason: 'InvalidChartReference', message: /'nowhere'/ },
    { name: 'outside', chart: '../app', reason: 'InvalidChartReference', message: /'\.\.\/app'/ },
    { name: 'dots', chart: 'dots', reason: 'InvalidChartReference', message: /chart name "\.\."/ },
    { name: 'slash', chart: 'slash', reason: 'InvalidChartReference', message: /"a\/b"/ },
    { name: 'no-version', chart: 'nover', reason: 'InvalidChartReference', message: /version/ },
    { name: 'escape', chart: 'escape', reason: 'DependencyBuildError', message: /inside the root/ },
    { name: 'alias', chart: 'alias', reason: 'DependencyBuildError', message: /'@stable'/ },
    { name: 'evil-name', chart: 'evil', reason: 'InvalidChartReference', message: /"\.\.\/x"/ },
    { name: 'stray', chart: 'stray', reason: 'ChartPackageError', message: /charts\/README\.md/ },
  ])('is refused with a reason that names the fault: $name', async (c) => {
    if (c.name === 'missing') await source('faults', faults);
    const spec = { chart: c.chart, sourceRef: from('faults') };
    const failed = await bed.failed(await bed.createChart(c.name, spec), c.reason);
    expect(conditionOf(failed, 'Ready')?.message).toMatch(c.message);
    expect(failed.status?.artifact).toBeUndefined();
  });
});

const needs = (dependency: object) => `dependencies: ${JSON.stringify([dependency])}`;
const faults = {
  'dots/Chart.yaml': chartFile('..', '1.0.0'),
  'slash/Chart.yaml': chartFile('a/b', '1.0.0'),
  'nover/Chart.yaml': 'apiVersion: v2\nname: x\n',
  'escape/Chart.yaml': chartFile(
    'app',
    '1.0.0',
    needs({ name: 'x', repository: 'file://../../x' }),
  ),
  'alias/Chart.yaml': chartFile('app', '1.0.0', needs({ name: 'x', repository: '@stable' })),
  'evil/Chart.yaml': chartFile('app', '1.0.0', needs({ name: '../x', repository: 'file://x' })),
  'stray/Chart.yaml': chartFile('app', '1.0.0'),
  'stray/charts/README.md': 'x',
};
