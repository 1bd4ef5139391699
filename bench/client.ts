// npm run bench -- client [--n 400] [--kubeconfig FILE]: server-side apply by our client at 20 at once, against
// `kubectl apply --server-side` of the same objects in the same run; first to create, then to change them.
import type { KubeObject } from '@sluice/shared/api';
import { mapConcurrently } from '@sluice/shared/base';
import { coreResources, createKubeClient, loadKubeConfig } from '@sluice/shared/kube';
import { startControlPlane, temporaryFolder } from '@sluice/testing';
import { kubectlApply } from './kubectl.ts';
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

async function byClient(version: string): Promise<number> {
  const started = performance.now();
  await mapConcurrently(objects(ours, version), 20, (object) =>
    client.apply(configMaps, object, { fieldManager: 'bench', force: true }),
  );
  return (performance.now() - started) / 1000;
}

async function byKubectl(version: string): Promise<number> {
  const items = objects(theirs, version);
  const ms = await kubectlApply({ kubeconfigPath: kubeconfig, dir: folder.path, objects: items });
  return ms / 1000;
}

try {
  for (const name of [ours, theirs])
    await client.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  for (const version of ['create', 'change', 'change-again']) {
    const cpu = process.cpuUsage();
    const own = await byClient(version);
    const used = process.cpuUsage(cpu);
    const kubectl = await byKubectl(version);
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
