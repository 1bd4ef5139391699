import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gunzipSync, gzipSync } from 'node:zlib';
import { dump, load } from 'js-yaml';

const root = join(import.meta.dirname, '../..');
const run = promisify(execFile);

/** The charts that are published, the umbrella last; the library travels inside of them. */
export const chartNames = [
  'source-controller',
  'kustomize-controller',
  'helm-controller',
  'notification-controller',
  'source-watcher',
  'sluice',
] as const;

export type ChartName = (typeof chartNames)[number];

interface ChartFile {
  type: string;
  version: string;
  appVersion?: string;
  dependencies?: { name: string }[];
}

/** How to pack charts. */
export interface PackageOptions {
  /** Path of the helm program, version 4. */
  helm: string;
  /** Where packages go; `dist/charts` unless told. */
  dir?: string;
  /** Version of the charts and of the images they install; that of package.json unless told. */
  version?: string;
  /** The charts to pack; all unless told. */
  names?: readonly ChartName[];
}

/**
 * Packs charts with their dependencies, without a network. Equal sources give equal bytes.
 *
 * @returns the path of each package by the name of its chart
 * @throws Error with what helm says when a chart cannot be packed
 */
export async function packageCharts(o: PackageOptions): Promise<Record<ChartName, string>> {
  const dir = o.dir ?? join(root, 'dist/charts');
  const version = o.version ?? (await packageVersion());
  await mkdir(dir, { recursive: true });
  const stage = await mkdtemp(join(tmpdir(), 'sluice-charts-'));
  try {
    const packages: Partial<Record<ChartName, string>> = {};
    for (const name of o.names ?? chartNames) {
      const staged = join(stage, name);
      await assemble(name, staged, version);
      await setTimes(staged);
      await run(o.helm, ['package', staged, '--destination', dir], { env: helmEnv(stage) });
      const path = join(dir, `${name}-${version}.tgz`);
      await writeFile(path, inOrder(await readFile(path)));
      packages[name] = path;
    }
    return packages as Record<ChartName, string>;
  } finally {
    await rm(stage, { recursive: true, force: true });
  }
}

/** Puts a chart and what it depends on into a folder, with its version. */
async function assemble(name: string, to: string, version: string): Promise<void> {
  await cp(join(root, 'charts', name), to, { recursive: true });
  const file = join(to, 'Chart.yaml');
  const chart = load(await readFile(file, 'utf8')) as ChartFile;
  const isApplication = chart.type === 'application';
  await writeFile(file, dump({ ...chart, version, ...(isApplication && { appVersion: version }) }));
  for (const dependency of chart.dependencies ?? []) {
    await assemble(dependency.name, join(to, 'charts', dependency.name), version);
  }
}

/** Times of files get into packages. */
async function setTimes(dir: string): Promise<void> {
  const epoch = new Date(Number(process.env['SOURCE_DATE_EPOCH'] ?? 315_532_800) * 1000);
  for (const entry of await readdir(dir, { recursive: true, withFileTypes: true })) {
    await utimes(join(entry.parentPath, entry.name), epoch, epoch);
  }
}

const block = 512;

/** Helm writes the subcharts of a package in any order; this puts its files into that of their names. */
function inOrder(archive: Uint8Array): Buffer {
  const tar = gunzipSync(archive);
  const members: { name: string; bytes: Buffer }[] = [];
  for (let at = 0; tar[at] !== 0 && at < tar.length; ) {
    const field = (from: number, to: number) =>
      tar.toString('latin1', at + from, at + to).replace(/\0.*$/s, '');
    if (field(156, 157) !== '0') throw new Error(`unexpected member ${field(0, 100)} in a package`);
    const size = Number.parseInt(field(124, 136), 8);
    const end = at + block + Math.ceil(size / block) * block;
    members.push({ name: `${field(345, 500)}/${field(0, 100)}`, bytes: tar.subarray(at, end) });
    at = end;
  }
  members.sort((a, b) => (a.name < b.name ? -1 : 1));
  return gzipSync(Buffer.concat([...members.map(({ bytes }) => bytes), Buffer.alloc(2 * block)]));
}

/** Helm finds no settings, plugins or logins of whoever packs. */
function helmEnv(dir: string): NodeJS.ProcessEnv {
  const home = join(dir, '.helm');
  return { HELM_CONFIG_HOME: home, HELM_CACHE_HOME: home, HELM_DATA_HOME: home, HOME: home };
}

async function packageVersion(): Promise<string> {
  const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  return (manifest as { version: string }).version;
}
