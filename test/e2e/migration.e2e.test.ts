import {
  type FluxEvent,
  gitRepositoryKind,
  helmChartKind,
  helmReleaseKind,
  type KubeObject,
  kustomizationKind,
} from '@sluice/shared/api';
import { isNotFound, resourceOf } from '@sluice/shared/kube';
import { untilGone } from '@sluice/testing';
import { loadAll } from 'js-yaml';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  changedBetween,
  type Live,
  liveObjects,
  objectOf,
  withoutMetadata,
} from './migration/live.ts';
import { syncManifests } from './migration/manifests.ts';
import { alerting } from './migration/notifications.ts';
import { read, reconcileAll, untilReady } from './migration/settle.ts';
import { type MigrationWorld, startMigrationWorld } from './migration/world.ts';

const apps = { namespace: 'flux-system', name: 'apps' };
const api = { namespace: 'releases', name: 'api' };
const timeoutMs = 90_000;

/** The step before the components of a bootstrapped Flux leave Git: nothing may prune them. */
const keptComponents = {
  'cluster/flux-system/kustomization.yaml': `resources: [gotk-components.yaml, gotk-sync.yaml]
patches:
  - target: { labelSelector: app.kubernetes.io/part-of=flux }
    patch: |
      apiVersion: v1
      kind: Any
      metadata:
        name: any
        annotations: { kustomize.toolkit.fluxcd.io/prune: disabled }
`,
};

/** Flux's own kustomize- and helm-controller, and ours, take turns on a cluster with workloads. */
describe('a cluster moves over from Flux and back, one controller at a time:', {
  timeout: 120_000,
}, () => {
  let world: MigrationWorld;
  let before: Live;

  beforeAll(async () => {
    world = await startMigrationWorld(['kustomize', 'helm']);
    for (const object of alerting(world)) await world.apply(object);
    await world.startOurs('source');
    await world.startOurs('notification');
    await world.flux.kustomize?.start();
    await world.flux.helm?.start();
    const manifests = loadAll(syncManifests(world.git.url('fleet'))) as KubeObject[];
    for (const manifest of manifests) await world.apply(manifest);
    await untilReady(world, ['source', 'kustomize', 'helm']);
  }, 240_000);
  afterAll(() => world?.stop());

  const revisionOf = async () => `main@sha1:${await world.repo.resolve('main')}`;
  const events = () => world.hook.requests.map(({ body }) => JSON.parse(body) as FluxEvent);
  const inventoryOf = async () =>
    (await read(world, kustomizationKind, apps)).status?.inventory?.entries
      .map(({ id, v }) => `${id} ${v}`)
      .sort();
  /** Commits, has it fetched, and waits until the Kustomizations have applied it. */
  async function push(files: Record<string, string>): Promise<void> {
    await world.repo.commit({ files });
    await reconcileAll(world, 'source');
    const revision = await revisionOf();
    await untilReady(
      world,
      ['kustomize'],
      ({ status }) => status?.lastAppliedRevision === revision,
    );
  }

  test("Flux's controllers work with our source- and notification-controller", async () => {
    const heard = events().map((event) => `${event.reportingController} ${event.reason}`);
    expect(heard).toContain('kustomize-controller ReconciliationSucceeded');
    expect(heard).toContain('helm-controller InstallSucceeded');
    expect(heard).toContain('source-controller NewArtifact');
  });

  test('our kustomize-controller takes over without a write to any object', async () => {
    before = await liveObjects(world.client);
    const inventory = await inventoryOf();
    const { status } = await read(world, kustomizationKind, apps);
    world.hook.requests.length = 0;
    await world.flux.kustomize?.stop();
    await world.startOurs('kustomize');
    await reconcileAll(world, 'kustomize');
    expect(await liveObjects(world.client)).toEqual(before);
    expect(await inventoryOf()).toEqual(inventory);
    const now = await read(world, kustomizationKind, apps);
    expect(now.metadata.finalizers).toEqual(['finalizers.fluxcd.io']);
    expect(now.status?.history).toContainEqual(status?.history?.[0]);
    // The source still holds the components of Flux.
    expect(new Set(events().map(({ reason }) => reason))).toEqual(
      new Set(['FluxControllers', 'ReconciliationSucceeded']),
    );
  });

  test('then a commit changes what it names, and prunes what Flux had applied', async () => {
    const workloads = world.files['apps/workloads.yaml'] as string;
    const [web, ...rest] = workloads.split('---\n');
    const more = (web as string).replace('replicas: 2', 'replicas: 3');
    const without = rest.filter((text) => !/kind: CronJob|name: kept/.test(text));
    await push({ 'apps/workloads.yaml': [more, ...without].join('---\n') });
    const after = await liveObjects(world.client);
    expect(after['CronJob shop/report']).toBeUndefined();
    expect(after['ConfigMap shop/kept']).toEqual(before['ConfigMap shop/kept']);
    expect(objectOf(after, 'Deployment shop/web').spec).toMatchObject({ replicas: 3 });
    const pods = (live: Live) => Object.keys(live).filter((name) => name.startsWith('Pod '));
    expect(pods(after)).toEqual(expect.arrayContaining(pods(before)));
    expect(objectOf(after, 'StatefulSet shop/db').metadata).toMatchObject({
      uid: before['StatefulSet shop/db']?.metadata.uid,
      generation: 1,
    });
  });

  test('our helm-controller takes over without a write to any object, record or HelmChart', async () => {
    await reconcileAll(world, 'helm');
    before = await liveObjects(world.client);
    const { status } = await read(world, helmReleaseKind, api);
    world.hook.requests.length = 0;
    await world.flux.helm?.stop();
    await world.startOurs('helm');
    await reconcileAll(world, 'helm');
    expect(await liveObjects(world.client)).toEqual(before);
    const now = await read(world, helmReleaseKind, api);
    expect(now.status?.history).toEqual(status?.history);
    const chart = await read(world, helmChartKind, {
      namespace: 'flux-system',
      name: 'releases-api',
    });
    expect(chart.metadata.generation).toBe(1);
    expect(events()).toEqual([]);
  });

  test('then a change of values is released as the next revision of the same release', async () => {
    const values = (world.files['releases/releases.yaml'] as string).replace('green', 'red');
    await push({ 'releases/releases.yaml': values });
    await reconcileAll(world, 'helm');
    const after = await liveObjects(world.client);
    expect(objectOf(after, 'ConfigMap releases/api')['data']).toMatchObject({ color: 'red' });
    const name = 'Deployment releases/api';
    expect(after[name]?.metadata.uid).toEqual(before[name]?.metadata.uid);
    expect(after[name]?.metadata.generation).toEqual(before[name]?.metadata.generation);
  });

  test("Flux's kustomize-controller takes back without a write to any object", async () => {
    before = await liveObjects(world.client);
    const inventory = await inventoryOf();
    await world.stopOurs('kustomize');
    await world.flux.kustomize?.start();
    await reconcileAll(world, 'kustomize');
    expect(await liveObjects(world.client)).toEqual(before);
    expect(await inventoryOf()).toEqual(inventory);
  });

  test("Flux's helm-controller takes back; it undoes only the labels that our records do not have", async () => {
    const { status } = await read(world, helmReleaseKind, api);
    await world.stopOurs('helm');
    await world.flux.helm?.start();
    await reconcileAll(world, 'helm');
    const after = await liveObjects(world.client);
    const relabelled = ['ConfigMap', 'Deployment', 'Service'].map((kind) => `${kind} releases/api`);
    expect(changedBetween(before, after)).toEqual(relabelled);
    expect(withoutMetadata(after)).toEqual(withoutMetadata(before));
    const now = await read(world, helmReleaseKind, api);
    const digests = (history = status?.history) => history?.map(({ digest }) => digest);
    expect(digests(now.status?.history)).toEqual(digests());
  });

  test('Flux upgrades what we have released, and prunes what we have applied', async () => {
    const releases = (world.files['releases/releases.yaml'] as string).replace('green', 'white');
    await push({
      'releases/releases.yaml': releases,
      'apps/kustomization.yaml': 'resources: [workloads.yaml]\n',
      ...keptComponents,
    });
    await reconcileAll(world, 'helm');
    const after = await liveObjects(world.client);
    expect(objectOf(after, 'ConfigMap releases/api')['data']).toMatchObject({ color: 'white' });
    expect(Object.keys(after).filter((name) => name.includes('settings-'))).toEqual([]);
  });

  test('ours deletes what Flux has made, but not the components of Flux that were told to stay', async () => {
    await world.flux.kustomize?.stop();
    await world.flux.helm?.stop();
    await world.startOurs('kustomize');
    await world.startOurs('helm');
    await world.repo.commit({
      remove: ['cluster/teams.yaml'],
      files: { 'cluster/flux-system/kustomization.yaml': 'resources: [gotk-sync.yaml]\n' },
    });
    await reconcileAll(world, 'source', gitRepositoryKind);
    for (const name of ['apps', 'releases'])
      await untilGone(
        world.client,
        resourceOf(kustomizationKind),
        { ...apps, name },
        { timeoutMs },
      );
    await untilGone(world.client, resourceOf(helmReleaseKind), api, { timeoutMs });
    const deployments = await world.resource({ apiVersion: 'apps/v1', kind: 'Deployment' });
    const web = world.client.get(deployments, { namespace: 'shop', name: 'web' });
    await expect(web).rejects.toSatisfy(isNotFound);
    const component = { namespace: 'flux-system', name: 'kustomize-controller' };
    const kept = await world.client.get(deployments, component);
    expect(kept.metadata.deletionTimestamp).toBeUndefined();
  });
});
