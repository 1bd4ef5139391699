import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { systemClock } from '@sluice/shared/base';
import { coreResources } from '@sluice/shared/kube';
import { temporaryFolder, testCluster, testNamespace, toolPath } from '@sluice/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { digestOf } from '../../src/release/digest.ts';
import { objectsOf } from '../../src/release/manifest.ts';
import { isPending, type Release } from '../../src/release/release.ts';
import {
  createReleaseCache,
  openReleaseStorage,
  type ReleaseStorage,
} from '../../src/release/storage.ts';

const run = promisify(execFile);

/** A chart whose objects need no nodes. */
const chart = {
  'Chart.yaml': 'apiVersion: v2\nname: web\nversion: 1.2.3\nappVersion: "7"\n',
  'values.yaml': 'color: red\n',
  'templates/a.yaml':
    'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\ndata:\n  color: {{ .Values.color }}\n',
  'templates/b.yaml':
    'apiVersion: v1\nkind: Secret\nmetadata:\n  name: b\nstringData:\n  k: v\n---\n# nothing\n',
  'templates/hook.yaml':
    'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: h\n  annotations:\n    helm.sh/hook: pre-install\n    helm.sh/hook-weight: "3"\n',
  'templates/NOTES.txt': 'Color {{ .Values.color }} & <b>\n',
};

let namespace: string;
let storage: ReleaseStorage;
let folder: { path: string; remove(): Promise<void> };
let helm: (...args: string[]) => Promise<string>;

beforeEach(async () => {
  const { client, kubeconfigPath } = await testCluster();
  namespace = await testNamespace(client, 'helm');
  folder = await temporaryFolder('helm-cli');
  for (const [path, text] of Object.entries(chart)) {
    const file = join(folder.path, 'web', path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text);
  }
  const options = { cwd: folder.path, env: { HOME: folder.path, KUBECONFIG: kubeconfigPath } };
  helm = async (...args) => {
    const { stdout } = await run(toolPath('helm'), [...args, '--namespace', namespace], options);
    return stdout;
  };
  const cache = createReleaseCache(1_000_000);
  storage = openReleaseStorage({ client, namespace, cache, clock: systemClock });
});

afterEach(() => folder.remove());

async function last(): Promise<Release> {
  const release = await storage.last('web');
  expect(release).toBeDefined();
  return release as Release;
}

async function helmJson(...args: string[]): Promise<unknown> {
  return JSON.parse(await helm(...args, '--output', 'json'));
}

/** Stores what an upgrade by the controller would store. */
async function upgradeByUs(): Promise<Release> {
  const current = await last();
  const next: Release = {
    ...current,
    version: current.version + 1,
    config: { color: 'blue' },
    manifest: current.manifest.replace('color: red', 'color: blue'),
    info: { ...current.info, status: 'deployed', description: 'Upgrade complete', notes: 'ours' },
  };
  await storage.create(next);
  current.info.status = 'superseded';
  await storage.update(current);
  return next;
}

describe('a release that the helm CLI made', () => {
  test('is read with all that it stored', async () => {
    await helm('install', 'web', 'web', '--set', 'n=1', '--labels', 'team=x');
    const release = await last();
    expect(release).toMatchObject({
      name: 'web',
      namespace,
      version: 1,
      config: { n: 1 },
      labels: { team: 'x' },
      apply_method: 'ssa',
      info: { status: 'deployed', notes: 'Color red & <b>\n' },
      chart: { metadata: { name: 'web', version: '1.2.3', appVersion: '7' } },
      hooks: [
        {
          name: 'h',
          kind: 'ConfigMap',
          path: 'web/templates/hook.yaml',
          events: ['pre-install'],
          weight: 3,
          last_run: { phase: 'Succeeded' },
        },
      ],
    });
    expect(isPending(release)).toBe(false);
    const objects = objectsOf(release.manifest).map(({ kind, metadata }) => [kind, metadata.name]);
    expect(objects).toEqual([
      ['Secret', 'b'],
      ['ConfigMap', 'a'],
    ]);
    const [revision] = await storage.revisions('web');
    expect(revision?.writer.manager.toLowerCase()).toBe('helm');
  });

  test('is the same to the helm CLI after we wrote it again', async () => {
    await helm('install', 'web', 'web', '--set', 'n=1', '--labels', 'team=x');
    const before = await helm('get', 'all', 'web');
    const release = await last();
    await storage.update(release);
    expect(await helm('get', 'all', 'web')).toBe(before);
    expect(await last()).toEqual(release);
    expect(digestOf(await last())).toBe(digestOf(release));
  });

  test('goes on with revisions of ours, and of the helm CLI after them', async () => {
    await helm('install', 'web', 'web');
    await upgradeByUs();
    await helm('upgrade', 'web', 'web', '--set', 'color=green');
    const history = await storage.history('web');
    expect(history.map(({ version, info }) => [version, info.status])).toEqual([
      [1, 'superseded'],
      [2, 'superseded'],
      [3, 'deployed'],
    ]);
    expect((await storage.deployed('web'))?.config).toEqual({ color: 'green' });
  });

  test('is uninstalled for us too', async () => {
    await helm('install', 'web', 'web');
    await helm('uninstall', 'web', '--keep-history');
    expect((await last()).info).toMatchObject({
      status: 'uninstalled',
      deleted: expect.stringMatching(/^20/),
    });
    expect(await storage.deployed('web')).toBeUndefined();
    await helm('uninstall', 'web');
    expect(await storage.revisions('web')).toEqual([]);
  });
});

describe('a release that we stored', () => {
  beforeEach(async () => {
    await helm('install', 'web', 'web');
    await upgradeByUs();
  });

  test('is listed', async () => {
    expect(await helmJson('list')).toMatchObject([
      {
        name: 'web',
        namespace,
        revision: '2',
        status: 'deployed',
        chart: 'web-1.2.3',
        app_version: '7',
      },
    ]);
    expect(await helmJson('list', '--deployed', '--selector', 'version=2')).toHaveLength(1);
    expect(await helmJson('history', 'web')).toMatchObject([
      { revision: 1, status: 'superseded' },
      { revision: 2, status: 'deployed', description: 'Upgrade complete' },
    ]);
  });

  test('is shown', async () => {
    const release = await last();
    expect(await helmJson('get', 'values', 'web')).toEqual({ color: 'blue' });
    expect((await helm('get', 'manifest', 'web')).trim()).toBe(release.manifest.trim());
    expect(await helm('get', 'hooks', 'web')).toContain('name: h');
    expect(await helm('get', 'notes', 'web')).toContain('ours');
    expect(await helm('get', 'all', 'web')).toContain('color: blue');
    expect(await helmJson('status', 'web')).toMatchObject({
      version: 2,
      info: { status: 'deployed' },
    });
  });

  test('is rolled back and forth', async () => {
    const { client } = await testCluster();
    const color = async () => {
      const { data } = (await client.get(coreResources.configMaps, { namespace, name: 'a' })) as {
        data?: unknown;
      };
      return data;
    };
    await helm('rollback', 'web', '2');
    expect(await color()).toEqual({ color: 'blue' });
    await helm('rollback', 'web', '1');
    expect(await color()).toEqual({ color: 'red' });
    expect((await last()).info).toMatchObject({ status: 'deployed', rollback_revision: 1 });
    expect((await last()).version).toBe(4);
  });

  test('is uninstalled', async () => {
    await helm('uninstall', 'web');
    expect(await storage.history('web')).toEqual([]);
    const { client } = await testCluster();
    const { items } = await client.list(coreResources.secrets, { namespace });
    expect(items).toEqual([]);
  });

  test('is pending to the helm CLI while we work on it', async () => {
    const release = await last();
    release.info.status = 'pending-upgrade';
    await storage.update(release);
    await expect(helm('upgrade', 'web', 'web')).rejects.toThrow('another operation');
  });
});
