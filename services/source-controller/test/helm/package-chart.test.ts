import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { packArtifact, readArchive } from '@sluice/shared/artifact';
import { runHelm } from '@sluice/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { packageAnywhere } from '../../src/helm/helm-workers.ts';
import { inspectChart, type PackageTask, packageChart } from '../../src/helm/package-chart.ts';
import { tarGz } from '../archives.ts';

const limits = { archiveBytes: 1_000_000, fileBytes: 10_000 };
let dir: string;
let outputs = 0;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'package-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

async function write(files: Record<string, string | Buffer>): Promise<string> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(dir, path)), { recursive: true });
    await writeFile(join(dir, path), content);
  }
  return join(dir, 'app');
}

const chart = {
  'app/Chart.yaml': 'apiVersion: v2\n# kept\nname: app\nversion: 1.0.0\nappVersion: "1.10"\n',
  'app/values.yaml': 'a: 1\nnested: {b: 2, c: 3}\n',
  'app/templates/a.yaml': 'a: {{ .Values.a }}\n',
};

function taskFor(source: PackageTask['source'], more: Partial<PackageTask> = {}): PackageTask {
  return {
    operation: 'package',
    source,
    version: '1.0.0',
    additions: [],
    destination: join(dir, `out-${outputs++}.tgz`),
    algorithm: 'sha256',
    limits,
    ...more,
  };
}

async function filesOf(task: PackageTask): Promise<Record<string, string>> {
  const files = readArchive(await readFile(task.destination)) ?? [];
  return Object.fromEntries(files.map(({ path, content }) => [path, content.toString('utf8')]));
}

/** Names in a package that the Helm program made, which has its own order. */
async function helmNames(source: string): Promise<string[]> {
  await runHelm(['package', source, '--destination', join(dir, 'helm')], dir);
  const files = readArchive(await readFile(join(dir, 'helm', 'app-1.0.0.tgz'))) ?? [];
  return files.map(({ path }) => path);
}

describe('packing a chart', () => {
  it('gives the same bytes each time, in a thread or not, and files as they are', async () => {
    // Larger than what is packed in the calling thread.
    const large = { ...chart, 'app/large.txt': 'x'.repeat(100_000) };
    const source = { dir: await write(large) };
    const more = { limits: { ...limits, fileBytes: 200_000 } };
    const here = await packageChart(taskFor(source, more));
    const task = taskFor(source, more);
    const there = await packageAnywhere(task, {});
    expect(there).toMatchObject({ digest: here.digest, size: here.size });
    expect(here.metadata).toMatchObject({ name: 'app', version: '1.0.0' });
    expect(await filesOf(task)).toEqual(large);
  });

  it.each([
    { name: 'none', rules: undefined },
    { name: 'names', rules: '*.bak\nsecret\n# comment\n\n' },
    { name: 'directories only', rules: 'docs/\nsecret/\n' },
    { name: 'anchored', rules: '/a.bak\ntemplates/*.bak\n' },
    { name: 'classes', rules: '[a-b].bak\n?.md\n' },
    { name: 'nothing but', rules: '!*.yaml\n' },
  ])('leaves out what Helm leaves out: $name', async ({ rules }) => {
    const source = await write({
      ...chart,
      ...(rules !== undefined && { 'app/.helmignore': rules }),
      'app/a.bak': '',
      'app/z.bak': '',
      'app/secret': '',
      'app/docs/a.md': '',
      'app/templates/b.bak': '',
      'app/templates/.hidden': '',
      'app/.dot': '',
      'app/charts/_off/x': '',
    });
    const task = taskFor({ dir: source });
    await packageChart(task);
    const ours = Object.keys(await filesOf(task));
    const theirs = await helmNames(source);
    const charts = (names: string[]) =>
      names.filter((name) => !name.startsWith('app/charts/_')).sort();
    expect(charts(ours)).toEqual(charts(theirs));
  });

  it('changes nothing but the version of the metadata', async () => {
    const task = taskFor({ dir: await write(chart) }, { version: '1.0.0+abc.1' });
    await packageChart(task);
    expect((await filesOf(task))['app/Chart.yaml']).toBe(
      'apiVersion: v2\nappVersion: "1.10"\nname: app\nversion: 1.0.0+abc.1\n'.replaceAll('"', "'"),
    );
    expect(await runHelm(['show', 'chart', task.destination], dir)).toContain('appVersion: "1.10"');
  });

  it('merges values files by key, lists and scalars as a whole', async () => {
    const source = await write({
      ...chart,
      'app/one.yaml': 'nested: {c: 4, d: [1, 2]}\ntext: "on"\n',
      'app/two.yaml': 'nested: {d: [3]}\na: null\n__proto__: {x: 1}\n',
    });
    const files = ['values.yaml', './one.yaml', 'two.yaml'];
    const task = taskFor({ dir: source }, { values: { files, ignoreMissing: false } });
    const { valuesFiles } = await packageChart(task);
    expect(valuesFiles).toEqual(files);
    expect((await filesOf(task))['app/values.yaml']).toBe(
      "__proto__:\n  x: 1\na: null\nnested:\n  b: 2\n  c: 4\n  d:\n    - 3\ntext: 'on'\n",
    );
  });

  it.each([
    {
      name: 'a link',
      files: chart,
      link: 'app/Chart.lock',
      message: /'Chart\.lock' is neither a file nor a directory/,
    },
    {
      name: 'a file over the limit',
      files: { ...chart, 'app/big': 'x'.repeat(limits.fileBytes + 1) },
      message: /file 'big' has 10001 bytes, more than the 10000/,
    },
    {
      name: 'a chart inside that is none',
      files: { ...chart, 'app/charts/x/a': '' },
      message: /charts\/x: Chart\.yaml file is missing/,
    },
    {
      name: 'a packed chart inside that leads out',
      files: { ...chart, 'app/charts/x.tgz': tarGz([{ path: 'x/../../y', content: '' }]) },
      message: /charts\/x\.tgz: .*must not contain/,
    },
    {
      name: 'a schema that is none',
      files: { ...chart, 'app/values.schema.json': '{' },
      message: /values\.schema\.json/,
    },
    {
      name: 'values that are no YAML',
      files: { ...chart, 'app/values.yaml': 'a: [1\n' },
      message: /values\.yaml:/,
    },
    {
      name: 'values that are no map',
      files: { ...chart, 'app/values.yaml': '- a\n' },
      message: /values\.yaml: must hold a map/,
    },
    {
      name: 'values of a chart inside that are no YAML',
      files: {
        ...chart,
        'app/charts/x/Chart.yaml': 'apiVersion: v2\nname: x\nversion: 1.0.0\n',
        'app/charts/x/values.yaml': 'a: "\n',
      },
      message: /charts\/x: values\.yaml:/,
    },
    {
      name: 'a version that is a float',
      files: { ...chart, 'app/Chart.yaml': 'apiVersion: v2\nname: app\nversion: 72445e2\n' },
      message: /version "7.2445e\+06" of chart 'app' is invalid/,
    },
    {
      name: 'rules that Helm does not know',
      files: { ...chart, 'app/.helmignore': 'a/**/b' },
      message: /\*\* is not supported/,
    },
  ])('refuses $name, as helm package does', async ({ files, link, message }) => {
    const source = await write(files);
    if (link !== undefined) await symlink('/etc/passwd', join(dir, link));
    const task = taskFor({ dir: source });
    const failure = await packageChart(task).catch((error: Error) => error);
    expect(failure).toMatchObject({ name: 'ChartPackageError' });
    expect((failure as Error).message).toMatch(message);
    await expect(readFile(task.destination)).rejects.toThrow('ENOENT');
  });

  it.each([
    { written: '1.10', version: '1.1' },
    { written: '2', version: '2' },
    { written: '0777', version: '511' },
    { written: '"1.10"', version: '1.10' },
  ])('reads the version $written as helm package does', async ({ written, version }) => {
    const file = `apiVersion: v2\nname: app\nversion: ${written}\n`;
    const source = await write({ ...chart, 'app/Chart.yaml': file });
    const task = { operation: 'inspect', source: { dir: source }, whole: false, limits } as const;
    expect((await inspectChart(task)).metadata.version).toBe(version);
    const said = await runHelm(['package', source, '--destination', join(dir, 'out')], dir);
    expect(said).toContain(`app-${version}.tgz`);
  });

  it('takes values of several documents', async () => {
    const source = await write({ ...chart, 'app/values.yaml': 'a: 1\n---\na: 2\n' });
    await expect(packageChart(taskFor({ dir: source }))).resolves.toBeDefined();
  });

  it('keeps the digits of integers in merged values', async () => {
    const files = { ...chart, 'app/one.yaml': 'big: 9007199254740993\n' };
    const task = taskFor(
      { dir: await write(files) },
      { values: { files: ['one.yaml'], ignoreMissing: false } },
    );
    await packageChart(task);
    expect((await filesOf(task))['app/values.yaml']).toBe('big: 9007199254740993\n');
  });

  it('takes the last of a file that is there twice, as Helm does', async () => {
    const archive = tarGz([
      { path: 'x/Chart.yaml', content: 'name: x\nversion: 1.0.0\n' },
      { path: 'x/values.yaml', content: 'a: 1\n' },
      { path: 'x/values.yaml', content: 'a: 2\n' },
      { path: 'x/Chart.yaml', content: 'name: x\nversion: 1.0.0\n' },
    ]);
    const task = taskFor({ archive });
    await packageChart(task);
    expect((await filesOf(task))['x/values.yaml']).toBe('a: 2\n');
  });

  it('takes links of a package for empty files, as Helm does, and packs them so', async () => {
    const archive = tarGz([
      { path: 'x/Chart.yaml', content: 'name: x\nversion: 1.0.0\n' },
      { path: 'x/values.yaml', content: 'a: 1\n' },
      { path: 'x/README.md', linkpath: '/etc/passwd' },
      { path: 'x/Chart.lock', linkpath: 'values.yaml' },
    ]);
    const task = taskFor({ archive }, { version: '2.0.0' });
    await packageChart(task);
    const packed = await filesOf(task);
    expect(packed['x/README.md']).toBe('');
    expect(packed['x/Chart.lock']).toBe('');
    const shown = await runHelm(['show', 'chart', task.destination], dir);
    expect(shown).toContain('version: 2.0.0');
  });

  it('keeps a vendored folder beside its package, as Helm does', async () => {
    const inner = tarGz([{ path: 'y/Chart.yaml', content: 'name: y\nversion: 1.0.0\n' }]);
    const source = await write({
      ...chart,
      'app/charts/y/Chart.yaml': 'name: y\nversion: 1.0.0\n',
    });
    await writeFile(join(source, 'charts/y-1.0.0.tgz'), inner);
    const task = taskFor({ dir: source });
    await packageChart(task);
    expect(Object.keys(await filesOf(task))).toEqual(
      expect.arrayContaining(['app/charts/y/Chart.yaml', 'app/charts/y-1.0.0.tgz']),
    );
    expect(await runHelm(['show', 'chart', task.destination], dir)).toContain('name: app');
  });

  it.each(['x/Chart.yaml', 'x/charts/y.tgz'])(
    'refuses a package that has different files at %s',
    async (path) => {
      const archive = tarGz([
        { path: 'x/Chart.yaml', content: 'name: x\nversion: 1.0.0\n' },
        { path, content: 'name: x\nversion: 2.0.0\n' },
        { path, content: 'name: y\nversion: 3.0.0\n' },
      ]);
      await expect(packageChart(taskFor({ archive }))).rejects.toThrow(/twice, and not the same/);
    },
  );

  it('refuses a place below charts/ that is taken', async () => {
    const files = { ...chart, 'app/charts/x/Chart.yaml': 'name: x\nversion: 1.0.0\n' };
    const source = { dir: await write(files) };
    const additions = [{ name: 'x', source }];
    const failure = packageChart(taskFor(source, { additions }));
    await expect(failure).rejects.toThrow(/charts\/x is there already/);
  });

  it('refuses a result over the limit, and leaves no file', async () => {
    const task = taskFor({ dir: await write(chart) }, { limits: { ...limits, archiveBytes: 100 } });
    await expect(packageChart(task)).rejects.toThrow(/more than the 100 of --helm-chart-max-size/);
    await expect(readFile(task.destination)).rejects.toThrow('ENOENT');
  });

  it.each([
    { name: 'metadata', path: 'x/Chart.yaml', values: [], reason: 'ChartPullError' },
    { name: 'values', path: 'x/big.yaml', values: ['big.yaml'], reason: 'ValuesFilesError' },
  ])('refuses $name over the limit in a package', async ({ path, values, reason }) => {
    const metadata = 'name: x\nversion: 1.0.0\n';
    const content = `${path.endsWith('Chart.yaml') ? metadata : ''}#${'x'.repeat(limits.fileBytes)}`;
    const files = [
      { path: 'x/Chart.yaml', content: metadata },
      { path: 'x/values.yaml', content: '' },
    ].filter((file) => file.path !== path);
    const archive = tarGz([...files, { path, content }]);
    const more = { values: { files: values, ignoreMissing: false } };
    const failure = packageChart(taskFor({ archive }, more));
    await expect(failure).rejects.toMatchObject({ name: reason });
  });

  it('ends at charts in charts in charts', async () => {
    const chartFile = { path: 'x/Chart.yaml', content: 'name: x\nversion: 1.0.0\n' };
    let inner: Buffer = tarGz([chartFile]);
    for (let level = 0; level < 20; level++) inner = await around(inner);
    const task = { operation: 'inspect', source: { archive: inner }, whole: true, limits } as const;
    await expect(inspectChart(task)).rejects.toThrow(/nested more than 16 deep/);
  });

  it('counts what charts inside unpack to against one budget', async () => {
    const zeros = await around(Buffer.alloc(60 * 1024 * 1024), 'x/zeros');
    const files = { ...chart, 'app/charts/x.tgz': zeros, 'app/charts/y.tgz': zeros };
    const source = await write(files);
    const large = { ...limits, fileBytes: 1_000_000 };
    const task = taskFor({ dir: source }, { limits: large });
    await expect(packageChart(task)).rejects.toThrow(/charts\/y\.tgz: .*unpacks to more than/);
  });
});

/** A chart with one more file. */
async function around(content: Buffer, path = 'x/charts/x.tgz'): Promise<Buffer> {
  const destination = join(dir, `around-${outputs++}.tgz`);
  const chartFile = Buffer.from('name: x\nversion: 1.0.0\n');
  const entries = [
    { path: 'x/Chart.yaml', executable: false, read: () => chartFile },
    { path, executable: false, read: () => content },
  ];
  await packArtifact(entries, destination);
  return readFile(destination);
}
