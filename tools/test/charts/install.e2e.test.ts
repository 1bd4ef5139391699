import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { KubeObject } from '@sluice/shared/api';
import {
  coreResources,
  createKubeClient,
  gvkOf,
  isNotFound,
  type KubeClient,
  loadKubeConfig,
} from '@sluice/shared/kube';
import {
  type ControlPlane,
  installCrds,
  startControlPlane,
  temporaryFolder,
  toolPath,
  untilGone,
} from '@sluice/testing';
import { dump, load } from 'js-yaml';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { packageCharts } from '../../charts/package.ts';
import { moduleFiles } from '../../provision/module-files.ts';
import { singleCharts, umbrellaCases } from './matrix.ts';
import { helm, namespace, packages, type Rendered, render } from './render.ts';

const root = join(import.meta.dirname, '../../..');
const run = promisify(execFile);
const slowMs = 180_000;

let controlPlane: ControlPlane;
let client: KubeClient;
let newer: { path: string; remove(): Promise<void> };
/** The umbrella in a later version. */
let newerUmbrella: string;

beforeAll(async () => {
  const operator = 'github.com/prometheus-operator/prometheus-operator';
  const [plane, folder, monitoring] = await Promise.all([
    startControlPlane({ kwok: false, scheduler: false }),
    temporaryFolder('newer'),
    moduleFiles('prometheus-operator', operator),
  ]);
  controlPlane = plane;
  newer = folder;
  const options = { helm: toolPath('helm'), dir: folder.path, version: '1.2.4' };
  newerUmbrella = (await packageCharts({ ...options, names: ['sluice'] })).sluice;
  client = createKubeClient(loadKubeConfig({ path: plane.kubeconfigPath }), {
    qps: 500,
    burst: 500,
  });
  const labels = { 'pod-security.kubernetes.io/enforce': 'restricted' };
  await apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace, labels } });
  // Of the administrator's Windows.
  await apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'platform' } });
  for (const plural of ['podmonitors', 'prometheusrules']) {
    const file = join(
      monitoring,
      `example/prometheus-operator-crd/monitoring.coreos.com_${plural}.yaml`,
    );
    await apply(load(await readFile(file, 'utf8')) as KubeObject);
  }
}, slowMs);

afterAll(async () => {
  await client?.close();
  await controlPlane?.stop();
  await newer?.remove();
});

async function apply(object: KubeObject): Promise<void> {
  const resource = await client.mapper.resourceFor(gvkOf(object));
  await client.apply(resource, object, { fieldManager: 'test', force: true });
}

async function get(apiVersion: string, kind: string, name: string): Promise<Rendered | undefined> {
  const resource = await client.mapper.resourceFor(gvkOf({ apiVersion, kind }));
  try {
    const key = resource.namespaced ? { namespace, name } : { name };
    return (await client.get(resource, key)) as unknown as Rendered;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

const definition = (name = 'gitrepositories.source.toolkit.fluxcd.io') =>
  get('apiextensions.k8s.io/v1', 'CustomResourceDefinition', name);

/** Runs helm in the namespace of the test. */
function onCluster(...args: string[]): Promise<string> {
  return helm([...args, '--namespace', namespace], controlPlane.kubeconfigPath);
}

/** What the pods of the namespace belong to. */
async function components(): Promise<Set<string | undefined>> {
  const { items } = await client.list(coreResources.pods, { namespace });
  return new Set(items.map(({ metadata }) => metadata.labels?.['app.kubernetes.io/component']));
}

async function names(kind: string): Promise<string[]> {
  const { items } = await client.list(
    await client.mapper.resourceFor(gvkOf({ apiVersion: 'apps/v1', kind })),
    { namespace },
  );
  return items.map(({ metadata }) => metadata.name).sort();
}

/** What the API server says to objects that it is not to store. */
async function dryRun(objects: readonly Rendered[]): Promise<void> {
  const args = [
    'apply',
    '--server-side',
    '--dry-run=server',
    '--validate=strict',
    '--force-conflicts',
  ];
  const child = run(
    toolPath('kubectl'),
    [...args, '--kubeconfig', controlPlane.kubeconfigPath, '-f', '-'],
    {
      maxBuffer: 64 * 1024 * 1024,
    },
  );
  child.child.stdin?.end(objects.map((object) => dump(object, { noRefs: true })).join('---\n'));
  await child;
}

describe('the API server takes', () => {
  test('everything that the charts render, whatever the values', async () => {
    const umbrella = Object.values(umbrellaCases).map((settings) => render('sluice', settings));
    const single = singleCharts.map((chart) =>
      render(chart, ['prometheus.podMonitor.create=true']),
    );
    const rendered = (await Promise.all([...umbrella, ...single])).flat();
    const distinct = new Map(rendered.map((object) => [JSON.stringify(object), object]));
    expect(distinct.size).toBeGreaterThan(100);
    const kinds = new Set([...distinct.values()].map(({ kind }) => kind));
    expect([...kinds]).toEqual(
      expect.arrayContaining(['PodMonitor', 'PrometheusRule', 'Ingress', 'StatefulSet']),
    );
    await dryRun([...distinct.values()]);
  });

  test('no object with a field that does not exist', async () => {
    const [object] = await render('source-controller', ['installCRDs=false']);
    await expect(dryRun([{ ...(object as Rendered), spek: {} }])).rejects.toThrow('spek');
  });
});

// The tests of this group follow one cluster through its life.
describe('a cluster', () => {
  test(
    'gets all controllers from four releases that do not get in each other’s way',
    async () => {
      const charts = await packages();
      for (const chart of singleCharts) await onCluster('install', chart, charts[chart]);
      expect(await names('Deployment')).toEqual([...singleCharts].sort());
      await onCluster(
        'upgrade',
        'helm-controller',
        charts['helm-controller'],
        '--set',
        'logLevel=debug',
      );
      const deployment = await get('apps/v1', 'Deployment', 'helm-controller');
      expect(deployment?.['spec'].template.spec.containers[0].args).toContain('--log-level=debug');
      await onCluster('uninstall', 'helm-controller');
      expect(await names('Deployment')).toEqual([
        'kustomize-controller',
        'notification-controller',
        'source-controller',
      ]);
    },
    slowMs,
  );

  test(
    'keeps definitions and objects when a release goes',
    async () => {
      await apply({
        apiVersion: 'source.toolkit.fluxcd.io/v1',
        kind: 'GitRepository',
        metadata: { name: 'kept', namespace },
        spec: { interval: '1m', url: 'https://git.example.com/kept' },
      } as KubeObject);
      for (const name of ['source-controller', 'kustomize-controller', 'notification-controller'])
        await onCluster('uninstall', name);
      expect(await names('Deployment')).toEqual([]);
      expect(await definition()).toBeDefined();
      expect(await definition('helmreleases.helm.toolkit.fluxcd.io')).toBeDefined();
      expect(await get('source.toolkit.fluxcd.io/v1', 'GitRepository', 'kept')).toBeDefined();
    },
    slowMs,
  );

  test(
    'moves to the umbrella, which takes the definitions over when told',
    async () => {
      const { sluice } = await packages();
      await expect(onCluster('install', 'sluice', sluice)).rejects.toThrow('ownership');
      await onCluster('install', 'sluice', sluice, '--take-ownership');
      expect(await names('Deployment')).toEqual([...singleCharts].sort());
      expect((await definition())?.metadata.labels?.['app.kubernetes.io/instance']).toBe('sluice');
    },
    slowMs,
  );

  test(
    'admits all pods under the restricted Pod Security Standard',
    async () => {
      const all = [...singleCharts, 'sluice-nats'];
      const areAll = async () => new Set(all).isSubsetOf(await components());
      await vi.waitUntil(areAll, { timeout: 60_000, interval: 200 });
    },
    slowMs,
  );

  test(
    'gets newer definitions by an upgrade, which keeps the passwords of NATS',
    async () => {
      const before = await get('v1', 'Secret', 'sluice-nats');
      await onCluster(
        'upgrade',
        'sluice',
        newerUmbrella,
        '--set',
        'nats.replicas=3,crds.annotations.team=platform',
      );
      const { labels, annotations } = (await definition())?.metadata ?? {};
      expect(labels?.['app.kubernetes.io/version']).toBe('v1.2.4');
      expect(annotations).toMatchObject({ team: 'platform', 'helm.sh/resource-policy': 'keep' });
      const after = await get('v1', 'Secret', 'sluice-nats');
      expect(Object.keys(after?.['data'])).toHaveLength(5);
      expect(after?.['data']).toEqual(before?.['data']);
      expect((await get('apps/v1', 'StatefulSet', 'sluice-nats'))?.['spec'].replicas).toBe(3);
    },
    slowMs,
  );

  test(
    'is installed again after an uninstall, with what was kept',
    async () => {
      await onCluster('uninstall', 'sluice');
      expect(await names('Deployment')).toEqual([]);
      expect(await names('StatefulSet')).toEqual([]);
      await onCluster('install', 'sluice', newerUmbrella);
      expect(await get('source.toolkit.fluxcd.io/v1', 'GitRepository', 'kept')).toBeDefined();
      await onCluster('uninstall', 'sluice');
    },
    slowMs,
  );

  test(
    'keeps the definitions that somebody else applied, and its release takes them over when told',
    async () => {
      // As the manifests of Flux leave them: without the marks of a release.
      const { customResourceDefinitions } = coreResources;
      const key = { name: 'receivers.notification.toolkit.fluxcd.io' };
      await client.delete(customResourceDefinitions, key);
      // What is applied to a definition that is about to go goes with it.
      await untilGone(client, customResourceDefinitions, key);
      await installCrds(root, controlPlane.kubeconfigPath);
      const { 'notification-controller': chart } = await packages();
      await onCluster('install', 'n', chart, '--take-ownership', '--force-conflicts');
      const { annotations } = (await definition(key.name))?.metadata ?? {};
      expect(annotations).toMatchObject({ 'meta.helm.sh/release-name': 'n' });
    },
    slowMs,
  );
});
