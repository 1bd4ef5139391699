import { join } from 'node:path';
import {
  type HelmRelease,
  helmReleaseKind,
  type KubeObject,
  type Kustomization,
  kustomizationKind,
} from '@sluice/shared/api';
import { type ApiResource, gvkOf, type KubeClient, resourceOf } from '@sluice/shared/kube';
import { conditionsOf, isReady } from '@sluice/shared/runtime';
import {
  type GitServer,
  startControllers,
  startGitServer,
  temporaryFolder,
  testCluster,
  testNamespace,
  until,
} from '@sluice/testing';
import { dump } from 'js-yaml';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { objectsOf } from '../../tools/test/docs/examples.ts';

// What docs/multi-tenancy.md shows and says, with the controllers locked down as it says.
const page = join('docs', 'multi-tenancy.md');
const shard = 'test.sluice.dev/shard';
const kustomizations = resourceOf(kustomizationKind);
const helmReleases = resourceOf(helmReleaseKind);
const started = new AsyncDisposableStack();

let client: KubeClient;
let git: GitServer;
let platform: string;
let team: string;

beforeAll(async () => {
  const cluster = await testCluster();
  ({ client } = cluster);
  platform = await testNamespace(client, 'platform');
  team = await testNamespace(client, 'team');
  const folder = await temporaryFolder('tenants');
  started.defer(() => folder.remove());
  git = await startGitServer();
  started.defer(() => git.stop());
  const mine = `--watch-label-selector=${shard}=${team}`;
  const lockdown = [mine, '--no-cross-namespace-refs', '--default-service-account=default'];
  const controllers = await startControllers({
    dir: folder.path,
    kubeconfigPath: cluster.kubeconfigPath,
    natsUrl: '',
    names: ['source-controller', 'kustomize-controller', 'helm-controller'],
    extraArgs: {
      'source-controller': [mine],
      'kustomize-controller': [...lockdown, '--no-remote-bases'],
      'helm-controller': [...lockdown, '--no-remote-schemas'],
    },
  });
  started.defer(() => controllers.stop());
});
afterAll(() => started.disposeAsync());

/** The objects of the page, in the namespaces of this test. */
function onPage(): KubeObject[] {
  const text = JSON.stringify(objectsOf(page).map(({ object }) => object))
    .replaceAll('flux-system', platform)
    .replaceAll('team-shop.git', 'shop-of-a-team.git')
    .replaceAll('team-shop', team)
    .replaceAll('platform-deploys', `${platform}-deploys`)
    .replaceAll('https://git.example.com/', git.url('').replace('.git', ''));
  const objects = JSON.parse(text) as KubeObject[];
  return objects.map((object) => {
    if (!object.apiVersion.includes('.toolkit.fluxcd.io/')) return object;
    const labels = { ...object.metadata.labels, [shard]: team };
    return { ...object, metadata: { ...object.metadata, labels } };
  });
}

function resourceFor(object: KubeObject): Promise<ApiResource> {
  return client.mapper.resourceFor(gvkOf(object));
}

async function apply(object: KubeObject): Promise<void> {
  await client.apply(await resourceFor(object), object, { fieldManager: 'test', force: true });
}

const yaml = (objects: KubeObject[]) => objects.map((object) => dump(object)).join('---\n');

/** A Kustomization as the tenant's on the page, with changes. */
function ofTenant(name: string, spec: object): KubeObject {
  const model = onPage().find(
    ({ kind, metadata }) => kind === 'Kustomization' && metadata.namespace === team,
  ) as Kustomization;
  const metadata = { ...model.metadata, name };
  return { ...model, metadata, spec: { ...model.spec, ...spec } } as KubeObject;
}

async function untilFailed(
  resource: ApiResource,
  name: string,
  reason: string,
): Promise<{ message: string; stalled: boolean }> {
  const object = await until<Kustomization | HelmRelease>(
    client,
    resource,
    { namespace: team, name },
    (seen) =>
      conditionsOf(seen).some(
        (condition) =>
          condition.type === 'Ready' && condition.status === 'False' && condition.reason === reason,
      ),
  );
  const conditions = conditionsOf(object);
  return {
    message: conditions.find(({ type }) => type === 'Ready')?.message ?? '',
    stalled: conditions.some(({ type }) => type === 'Stalled'),
  };
}

const configMap = (name: string, namespace?: string) =>
  ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace } }) as KubeObject;
const deployment = (name: string) =>
  ({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name },
    spec: {
      replicas: 0,
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: { containers: [{ name: 'web', image: 'example/web:1' }] },
      },
    },
  }) as unknown as KubeObject;
const clusterRole = {
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'ClusterRole',
  metadata: { name: 'of-a-tenant' },
} as KubeObject;

test('a tenant that is onboarded as the page says is applied, as its account', async () => {
  const objects = onPage();
  const isOfTenant = ({ kind, metadata }: KubeObject) =>
    metadata.namespace === team || kind === 'Namespace';
  const isNotified = ({ apiVersion }: KubeObject) => apiVersion.startsWith('notification.');
  const tenant = objects.filter((object) => isOfTenant(object) && !isNotified(object));
  await git.createRepo('platform', { 'tenants/shop/all.yaml': yaml(tenant) });
  await git.createRepo('shop-of-a-team', {
    'deploy/app.yaml': yaml([configMap('app')]),
    'outside/role.yaml': yaml([configMap('inside'), clusterRole]),
    'elsewhere/config.yaml': yaml([configMap('elsewhere', platform)]),
    'many/all.yaml': yaml(Array.from({ length: 6 }, (_, index) => deployment(`app-${index}`))),
    'remote/kustomization.yaml': `resources: ["${git.url('platform')}//tenants"]\n`,
    'chart/Chart.yaml': 'apiVersion: v2\nname: app\nversion: 1.0.0\n',
    'chart/templates/config.yaml': yaml([configMap('of-chart')]),
    'secret/config.yaml': yaml([configMap('with-secret')]),
  });
  for (const object of objects.filter((each) => !isOfTenant(each))) {
    await apply(object);
    if (object.kind !== 'ClusterRoleBinding') continue;
    const resource = await resourceFor(object);
    started.defer(async () => void (await client.delete(resource, object.metadata)));
  }
  await apply({
    apiVersion: 'source.toolkit.fluxcd.io/v1',
    kind: 'GitRepository',
    metadata: { name: 'platform', namespace: platform, labels: { [shard]: team } },
    spec: { interval: '10m', url: git.url('platform'), ref: { branch: 'main' } },
  } as KubeObject);
  await until<Kustomization>(
    client,
    kustomizations,
    { namespace: platform, name: 'tenants' },
    isReady,
  );
  await until<Kustomization>(client, kustomizations, { namespace: team, name: 'shop' }, isReady);
  await client.get(await resourceFor(configMap('app')), { namespace: team, name: 'app' });
});

const refused = [
  {
    name: 'an object that names no account',
    spec: { serviceAccountName: undefined },
    reason: 'ReconciliationFailed',
    text: () => `User "system:serviceaccount:${team}:default" cannot`,
  },
  {
    name: 'a ClusterRole',
    spec: { path: './outside' },
    reason: 'ReconciliationFailed',
    text: () => `User "system:serviceaccount:${team}:deployer" cannot`,
  },
  {
    name: 'an object in another namespace',
    spec: { path: './elsewhere', targetNamespace: undefined },
    reason: 'ReconciliationFailed',
    text: () => `User "system:serviceaccount:${team}:deployer" cannot`,
  },
  {
    name: 'the account of another namespace',
    spec: { serviceAccountName: 'platform' },
    reason: 'ReconciliationFailed',
    text: () => `User "system:serviceaccount:${team}:platform" cannot`,
  },
  {
    name: 'a source of another namespace',
    spec: () => ({ sourceRef: { kind: 'GitRepository', name: 'platform', namespace: platform } }),
    reason: 'AccessDenied',
    text: () => 'cross-namespace references have been blocked',
    stalls: true,
  },
  {
    name: 'the Secret of another namespace',
    spec: { path: './secret', postBuild: { substituteFrom: [{ kind: 'Secret', name: 'keys' }] } },
    reason: 'BuildFailed',
    text: () => `Secret '${team}/keys' of spec.postBuild.substituteFrom[0] does not exist`,
  },
  {
    name: 'a remote base',
    spec: { path: './remote' },
    reason: 'BuildFailed',
    text: () => 'remote/kustomization.yaml',
  },
  {
    name: 'more than the quota',
    spec: { path: './many' },
    reason: 'ReconciliationFailed',
    text: () => 'exceeded quota',
  },
];

test.for(refused)('what the page calls refused is: $name', async (row) => {
  const { name, reason, text, stalls = false } = row;
  const spec = typeof row.spec === 'function' ? row.spec() : row.spec;
  const objectName = name.toLowerCase().replaceAll(' ', '-');
  await apply({
    ...configMap('keys', platform),
    kind: 'Secret',
    stringData: { password: 'of-others' },
  } as KubeObject);
  await apply(JSON.parse(JSON.stringify(ofTenant(objectName, spec))) as KubeObject);
  const failed = await untilFailed(kustomizations, objectName, reason);
  expect(failed.message).toContain(text());
  expect(failed.stalled).toBe(stalls);
});

test('a HelmRelease without an account is refused, and one with the account is released', async () => {
  const release = (name: string, spec: object) =>
    ({
      apiVersion: 'helm.toolkit.fluxcd.io/v2',
      kind: 'HelmRelease',
      metadata: { name, namespace: team, labels: { [shard]: team } },
      spec: {
        interval: '10m',
        chart: {
          metadata: { labels: { [shard]: team } },
          spec: { chart: './chart', sourceRef: { kind: 'GitRepository', name: 'shop' } },
        },
        ...spec,
      },
    }) as unknown as KubeObject;
  await apply(release('nobody', {}));
  const { message } = await untilFailed(helmReleases, 'nobody', 'InstallFailed');
  expect(message).toContain(`User "system:serviceaccount:${team}:default" cannot`);
  await apply(release('able', { serviceAccountName: 'deployer' }));
  await until<HelmRelease>(client, helmReleases, { namespace: team, name: 'able' }, isReady);
});
