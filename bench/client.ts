// npm run bench -- client [--n 400] [--kubeconfig FILE]: server-side apply by our client at 20 at once, against
// `kubectl apply --server-side` of the same objects in the same run; first to create, then to change them.
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { KubeObject } from '@sluice/shared/api';
import { mapConcurrently } from '@sluice/shared/base';
import { coreResources, createKubeClient, loadKubeConfig } from '@sluice/shared/kube';
import { startControlPlane, temporaryFolder, toolPath } from '@sluice/shared/testing';
import { argument } from './setup.ts';

const { configMaps, namespaces } = coreResources;
const count = Number(argument('n', '400'));
const given = argument('kubeconfig', '');

function objects(namespace: string, version: string): KubeObject[] {
  return Array.from({ length: count }, (_, at) => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: `c-${at}`, namespace },
    data: { version, text: 'x'.repeat(500) },
  }));
}

const controlPlane = given === '' ? await startControlPlane() : undefined;
const kubeconfig = controlPlane?.kubeconfigPath ?? given;
const folder = await temporaryFolder('bench-client');
const client = createKubeClient(loadKubeConfig({ path: kubeconfig }));
const stamp = Date.now().toString(36);
const [ours, theirs] = [`bench-ours-${stamp}`, `bench-kubectl-${stamp}`];

async function byClient(version: string): Promise<void> {
  await mapConcurrently(objects(ours, version), 20, (object) =>
    client.apply(configMaps, object, { fieldManager: 'bench', force: true }),
  );
}

async function byKubectl(version: string): Promise<void> {
  const file = join(folder.path, `${version}.json`);
  const items = objects(theirs, version);
  await writeFile(file, JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
  const args = ['--kubeconfig', kubeconfig, 'apply', '--server-side', '-f', file];
  await promisify(execFile)(toolPath('kubectl'), args, { maxBuffer: 2 ** 26 });
}

async function seconds(run: () => Promise<void>): Promise<number> {
  const started = performance.now();
  await run();
  return (performance.now() - started) / 1000;
}

try {
  for (const name of [ours, theirs])
    await client.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  for (const version of ['create', 'change', 'change-again']) {
    const cpu = process.cpuUsage();
    const own = await seconds(() => byClient(version));
    const used = process.cpuUsage(cpu);
    const kubectl = await seconds(() => byKubectl(version));
    const spent = (used.user + used.system) / 1e6;
    console.log(
      `${version}: ${count} objects, ours ${own.toFixed(2)} s (CPU ${spent.toFixed(2)} s), ` +
        `kubectl ${kubectl.toFixed(2)} s, ratio ${(own / kubectl).toFixed(2)}`,
    );
  }
} finally {
  for (const name of [ours, theirs]) await client.delete(namespaces, { name });
  await client.close();
  await folder.remove();
  await controlPlane?.stop();
}
