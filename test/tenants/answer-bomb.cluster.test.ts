import {
  helmReleaseKind,
  type KindDefinition,
  type KubeObject,
  kustomizationKind,
} from '@sluice/shared/api';
import { coreResources, type KubeClient, resourceOf } from '@sluice/shared/kube';
import { conditionsOf, findCondition, readyCondition } from '@sluice/shared/runtime';
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
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const shard = 'test.sluice.dev/shard';
const attacks = ['attack-0', 'attack-1', 'attack-2', 'attack-3'];
const sourceRef = { kind: 'ExternalArtifact', name: 'source' };
const manifest = 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n';

const appliers = [
  {
    name: 'kustomize-controller',
    kind: kustomizationKind as KindDefinition,
    files: { 'a.yaml': manifest },
    specOf: (targetNamespace: string) => ({ prune: false, targetNamespace, sourceRef }),
    /** Limit of the chart. */
    memoryLimitMiB: 1024,
    refusal: 'the answer is larger than 8 MiB, its limit',
  },
  {
    name: 'helm-controller',
    kind: helmReleaseKind as KindDefinition,
    files: {
      'web/Chart.yaml': 'apiVersion: v2\nname: web\nversion: 1.0.0\n',
      'web/templates/a.yaml': manifest,
    },
    specOf: () => ({ chartRef: sourceRef }),
    memoryLimitMiB: 2048,
    refusal: 'a page of the list is larger than 32 MiB, its limit',
  },
] as const;

interface Tenant {
  namespace: string;
  source: ArtifactSource;
}

describe.each(appliers)('beside a cluster that answers $name with bombs', (applier) => {
  const resource = resourceOf(applier.kind);
  let client: KubeClient;
  let server: BombServer;
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  let controllers: Controllers;
  let attacker: Tenant;
  let victim: Tenant;

  async function tenant(name: string): Promise<Tenant> {
    const namespace = await testNamespace(client, name);
    const dir = `${folder.path}/${name}`;
    const source = await startArtifactSource({ client, namespace, dir });
    await source.publish({ ...applier.files }, { revision: '1.0.0' });
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
      names: [applier.name],
      extraArgs: {
        [applier.name]: [
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

  const apply = (namespace: string, name: string, more: object = {}) =>
    client.create(resource, {
      apiVersion: `${applier.kind.group}/${applier.kind.version}`,
      kind: applier.kind.kind,
      metadata: { name, namespace, labels: { [shard]: attacker.namespace } },
      spec: { interval: '10m', ...applier.specOf(namespace), ...more },
    } as KubeObject);

  async function readyOf(namespace: string, name: string, status: 'True' | 'False') {
    const ready = (object: KubeObject) => findCondition(conditionsOf(object), readyCondition);
    const key = { namespace, name };
    return ready(await until(client, resource, key, (object) => ready(object)?.status === status));
  }

  test('its own objects fail, and nobody is held up', async () => {
    await client.create(coreResources.secrets, {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'cluster', namespace: attacker.namespace },
      stringData: { value: server.kubeconfig },
    } as KubeObject);
    const kubeConfig = { secretRef: { name: 'cluster' } };
    for (const name of attacks) await apply(attacker.namespace, name, { kubeConfig });
    await server.untilAsked(attacks.length);

    await apply(victim.namespace, 'honest');
    await readyOf(victim.namespace, 'honest', 'True');

    for (const name of attacks) {
      const message = (await readyOf(attacker.namespace, name, 'False'))?.message;
      expect(message).toContain('cut off the answer of the API server of spec.kubeConfig at ');
      expect(message).toContain(applier.refusal);
    }
    // They are tried again and again.
    await server.untilAsked(server.asked() + 8);
    const { peakRssMiB } = await controllers.processes[applier.name].usage();
    expect(peakRssMiB).toBeGreaterThan(0);
    expect(peakRssMiB).toBeLessThan(applier.memoryLimitMiB);
  });
});
