import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { KubeObject } from '@sluice/shared/api';
import { runCommand } from '@sluice/shared/cli';
import { applyObjects, kubectlManagers, managersByPrefix } from '@sluice/shared/engine';
import { coreResources, type KubeClient } from '@sluice/shared/kube';
import { temporaryFolder, testCluster, testNamespace, toolPath } from '@sluice/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { configMap, identity } from '../engine-objects.ts';

let client: KubeClient;
let kubeconfigPath: string;
let namespace: string;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;

beforeAll(async () => {
  ({ client, kubeconfigPath } = await testCluster());
  namespace = await testNamespace(client, 'take-over');
  folder = await temporaryFolder('take-over');
});
afterAll(() => folder.remove());

async function run(tool: 'kubectl' | 'helm', ...args: string[]): Promise<void> {
  const result = await runCommand({
    file: toolPath(tool),
    args: [...args, '--namespace', namespace],
    env: { KUBECONFIG: kubeconfigPath, HOME: folder.path },
    timeoutMs: 60_000,
    maxOutputBytes: 1_000_000,
  });
  if (result.exitCode !== 0) throw new Error(`${tool} failed: ${result.stderr}`);
}

const data = { kept: '1', gone: '1' };

async function byKubectl(name: string, ...args: string[]): Promise<void> {
  const file = join(folder.path, `${name}.json`);
  const labels = { team: 'x' };
  const object = configMap(namespace, name, data);
  await writeFile(file, JSON.stringify({ ...object, metadata: { ...object.metadata, labels } }));
  await run('kubectl', ...args, '--filename', file);
}

async function byHelm(name: string, ...args: string[]): Promise<void> {
  const chart = join(folder.path, name);
  await mkdir(join(chart, 'templates'), { recursive: true });
  await writeFile(join(chart, 'Chart.yaml'), `apiVersion: v2\nname: ${name}\nversion: 1.0.0\n`);
  const object = JSON.stringify(configMap(namespace, name, data));
  await writeFile(join(chart, 'templates', 'all.yaml'), object);
  await run('helm', 'install', name, chart, ...args);
}

/** Applies the object as the source has it, and returns what is there then. */
async function applied(name: string, overrideManagers: string[] = []) {
  const overridden = managersByPrefix([...kubectlManagers, ...overrideManagers]);
  const { failures } = await applyObjects([configMap(namespace, name, { kept: '2' })], {
    client,
    identity: { ...identity, overridden },
    concurrency: 1,
  });
  expect(failures).toEqual([]);
  return client.get<KubeObject & { data: object }>(coreResources.configMaps, { namespace, name });
}

const managersOf = ({ metadata }: KubeObject) =>
  (metadata.managedFields ?? []).map(({ manager, operation }) => `${manager} ${operation}`);

describe('what was applied before by', () => {
  const ways = [
    { way: 'kubectl apply', name: 'client-side', args: ['apply'] },
    { way: 'kubectl apply --server-side', name: 'server-side', args: ['apply', '--server-side'] },
    { way: 'kubectl create', name: 'created', args: ['create'] },
    { way: 'kubectl create --save-config', name: 'saved', args: ['create', '--save-config'] },
  ];

  it.each(ways)('$way is taken over, and leaves with the source', async ({ name, args }) => {
    await byKubectl(name, ...args);
    const object = await applied(name);
    expect(object.data).toEqual({ kept: '2' });
    expect(object.metadata.labels).toBeUndefined();
    expect(object.metadata.annotations).toBeUndefined();
    expect(managersOf(object)).toEqual(['kustomize-controller Apply']);
  });

  it.each([
    { way: 'helm', name: 'helm-apply', args: [] },
    { way: 'helm --server-side=false', name: 'helm-update', args: ['--server-side=false'] },
  ])('$way is taken over when --override-manager names it', async ({ name, args }) => {
    await byHelm(name, ...args);
    const shared = await applied(name);
    expect(shared.data).toEqual({ kept: '2', gone: '1' });
    expect(managersOf(shared)).toContainEqual(expect.stringMatching(/^helm /));
    const own = await applied(name, ['helm']);
    expect(own.data).toEqual({ kept: '2' });
    expect(managersOf(own)).toEqual(['kustomize-controller Apply']);
  });
});
