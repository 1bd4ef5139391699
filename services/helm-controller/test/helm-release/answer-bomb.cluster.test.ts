import type { HelmRelease, HelmReleaseSpec, KubeObject } from '@sluice/shared/api';
import type { KubeClient } from '@sluice/shared/kube';
import {
  type ArtifactSource,
  type BombServer,
  type Controllers,
  startArtifactSource,
  startBombServer,
  startControllers,
  temporaryFolder,
  testCluster,
  testNamespace,
  until,
} from '@sluice/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { chart, conditionOf, helmReleases, secrets } from './harness.ts';

const shard = 'test.sluice.dev/shard';
/** Limit of the chart. */
const memoryLimitMiB = 2048;
const attacks = ['attack-0', 'attack-1', 'attack-2', 'attack-3'];

let client: KubeClient;
let server: BombServer;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let controllers: Controllers;
let attacker: Tenant;
let victim: Tenant;

interface Tenant {
  namespace: string;
  source: ArtifactSource;
}

async function tenant(name: string): Promise<Tenant> {
  const namespace = await testNamespace(client, name);
  const dir = `${folder.path}/${name}`;
  const source = await startArtifactSource({ client, namespace, dir });
  const files = Object.entries(chart()).map(([path, text]) => [`web/${path}`, text]);
  await source.publish(Object.fromEntries(files), { revision: '1.0.0' });
  return { namespace, source };
}

beforeAll(async () => {
  const cluster = await testCluster();
  client = cluster.client;
  [server, folder] = await Promise.all([startBombServer(), temporaryFolder('bomb')]);
  [attacker, victim] = await Promise.all([tenant('attacker'), tenant('victim')]);
  controllers = await startControllers({
    dir: folder.path,
    kubeconfigPath: cluster.kubeconfigPath,
    natsUrl: '',
    names: ['helm-controller'],
    extraArgs: {
      'helm-controller': [
        `--watch-label-selector=${shard}=${attacker.namespace}`,
        '--insecure-kubeconfig-tls',
        '--min-retry-delay=100ms',
        '--max-retry-delay=500ms',
      ],
    },
  });
});
afterAll(async () => {
  await controllers?.stop();
  await Promise.all([server?.close(), attacker?.source.stop(), victim?.source.stop()]);
  await folder?.remove();
});

function apply(namespace: string, name: string, spec: Partial<HelmReleaseSpec> = {}) {
  return client.create<HelmRelease>(helmReleases, {
    apiVersion: 'helm.toolkit.fluxcd.io/v2',
    kind: 'HelmRelease',
    metadata: { name, namespace, labels: { [shard]: attacker.namespace } },
    spec: {
      interval: '10m',
      chartRef: { kind: 'ExternalArtifact', name: 'source' },
      ...spec,
    },
  });
}

const stateOf = (namespace: string, name: string, status: 'True' | 'False') =>
  until<HelmRelease>(
    client,
    helmReleases,
    { namespace, name },
    (o) => conditionOf(o)?.status === status,
  );

test('a cluster that answers with bombs fails its own objects, and holds up nobody', async () => {
  await client.create(secrets, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'cluster', namespace: attacker.namespace },
    stringData: { value: server.kubeconfig },
  } as KubeObject);
  const kubeConfig = { secretRef: { name: 'cluster' } };
  for (const name of attacks) await apply(attacker.namespace, name, { kubeConfig });
  await server.untilAsked(attacks.length);

  await apply(victim.namespace, 'honest');
  await stateOf(victim.namespace, 'honest', 'True');

  for (const name of attacks) {
    const object = await stateOf(attacker.namespace, name, 'False');
    expect(conditionOf(object)?.message).toMatch(
      /cut off the answer of the API server of spec\.kubeConfig at 127\.0\.0\.1:\d+: a page of the list is larger than 32 MiB, its limit/,
    );
  }
  // They are tried again and again.
  await server.untilAsked(server.asked() + 8);
  const { peakRssMiB } = await controllers.processes['helm-controller'].usage();
  expect(peakRssMiB).toBeGreaterThan(0);
  expect(peakRssMiB).toBeLessThan(memoryLimitMiB);
});
