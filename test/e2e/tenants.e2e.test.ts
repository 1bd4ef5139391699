import type { Condition, HelmRelease, KubeObject, Kustomization } from '@sluice/shared/api';
import { gitRepositoryKind, helmReleaseKind, kustomizationKind } from '@sluice/shared/api';
import { resourceOf } from '@sluice/shared/kube';
import { isReady } from '@sluice/shared/runtime';
import { podsCannotRun, until } from '@sluice/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ChartWorld, fluxNamespace, startChartWorld } from './charts/world.ts';
import { appsV1 } from './objects.ts';
import { describePermission, grantsOf, userOf } from './rbac/permissions.ts';
import {
  helmRelease,
  kustomization,
  neighbour,
  onboarding,
  repository,
  repositoryOf,
  tenant,
} from './tenants/manifests.ts';
import { timeoutMs } from './world.ts';

type Applier = (Kustomization | HelmRelease) & KubeObject;

const reason = podsCannotRun();
if (reason) console.warn(`the tests of tenants are skipped: ${reason}`);

const deployer = `system:serviceaccount:${tenant}:deployer`;

/** What appliers write of changes that wait, and what is kept of those that were let through. */
const changeControl = [
  'delete delivery.sluice.dev/approvals',
  ...['create', 'patch', 'delete'].map((verb) => `${verb} delivery.sluice.dev/plans`),
];
const snapshots = ['create', 'delete'].map((verb) => `${verb} delivery.sluice.dev/snapshots`);

/** What a tenant tries, and what its condition must say. */
const attempts: { name: string; object: KubeObject; reason: string; message: RegExp }[] = [
  {
    name: 'a Kustomization that creates a ClusterRole',
    object: kustomization('cluster-role', './cluster-role'),
    reason: 'ReconciliationFailed',
    message: new RegExp(`ClusterRole/tenant-reads-all.*${deployer}.*clusterroles`, 's'),
  },
  {
    name: 'a Kustomization that reads the Secret of another namespace through substituteFrom',
    object: kustomization('with-secret', './with-secret', {
      postBuild: { substituteFrom: [{ kind: 'Secret', name: 'database' }] },
    }),
    reason: 'BuildFailed',
    message: new RegExp(`Secret '${tenant}/database' of .*substituteFrom.* does not exist`, 's'),
  },
  {
    name: 'a Kustomization that references the source of another tenant',
    object: kustomization('foreign-source', './app', {
      sourceRef: { kind: 'GitRepository', name: 'apps', namespace: neighbour },
    }),
    reason: 'AccessDenied',
    message: new RegExp(`GitRepository/${neighbour}/apps.*spec.sourceRef.*cross-namespace`, 's'),
  },
  {
    name: 'a Kustomization that names an account of another namespace',
    object: kustomization('foreign-account', './app', { serviceAccountName: 'platform' }),
    reason: 'ReconciliationFailed',
    message: new RegExp(`system:serviceaccount:${tenant}:platform`),
  },
  {
    name: 'a Kustomization that names no account',
    object: kustomization('no-account', './app', { serviceAccountName: undefined }),
    reason: 'ReconciliationFailed',
    message: new RegExp(`system:serviceaccount:${tenant}:default`),
  },
  {
    name: 'a Kustomization that writes to another namespace',
    object: kustomization('elsewhere', './elsewhere'),
    reason: 'ReconciliationFailed',
    message: new RegExp(`ConfigMap/${neighbour}/settings.*${deployer}`, 's'),
  },
  {
    name: 'a Kustomization with a remote base',
    object: kustomization('remote', './remote'),
    reason: 'BuildFailed',
    message:
      /resources\[0\] of remote\/kustomization\.yaml is remote, which --no-remote-bases forbids/,
  },
  {
    name: 'a HelmRelease that creates a ClusterRole',
    object: helmRelease('cluster-role', 'cluster-role'),
    reason: 'InstallFailed',
    message: new RegExp(`ClusterRole/tenant-reads-all.*${deployer}.*clusterroles`, 's'),
  },
  {
    name: 'a HelmRelease that reads the Secret of another namespace through valuesFrom',
    object: helmRelease('with-secret', 'app', {
      valuesFrom: [{ kind: 'Secret', name: 'database', valuesKey: 'PASSWORD', targetPath: 'p' }],
    }),
    reason: 'ValuesError',
    message: new RegExp(`Secret '?${tenant}/database'?`),
  },
  {
    name: 'a HelmRelease that references the source of another tenant',
    object: helmRelease('foreign-source', 'app', {}, neighbour),
    reason: 'AccessDenied',
    message: new RegExp(`${neighbour}.*cross-namespace`, 's'),
  },
  {
    name: 'a HelmRelease that names an account of another namespace',
    object: helmRelease('foreign-account', 'app', { serviceAccountName: 'platform' }),
    reason: 'InstallFailed',
    message: new RegExp(`system:serviceaccount:${tenant}:platform`),
  },
  {
    name: 'a HelmRelease that releases into another namespace',
    object: helmRelease('elsewhere', 'app', { targetNamespace: neighbour }),
    reason: 'InstallFailed',
    message: new RegExp(`${deployer}.*${neighbour}`, 's'),
  },
];

describe.skipIf(reason)('with multitenancy.enabled, a tenant', () => {
  let world: ChartWorld;
  const appliers = ['kustomize-controller', 'helm-controller'];

  const kindOf = ({ kind }: { kind: string }) =>
    resourceOf(kind === 'HelmRelease' ? helmReleaseKind : kustomizationKind);

  async function untilFailed(object: KubeObject): Promise<Condition> {
    const failed = await until<Applier>(
      world.client,
      kindOf(object),
      { namespace: tenant, name: object.metadata.name },
      ({ status }) =>
        (status?.conditions ?? []).some(
          (condition) =>
            condition.type === 'Ready' &&
            condition.status === 'False' &&
            condition.reason !== 'SourceNotReady',
        ),
      { timeoutMs },
    );
    return failed.status?.conditions?.find(({ type }) => type === 'Ready') as Condition;
  }

  beforeAll(async () => {
    const multitenancy = {
      enabled: true,
      // The Git server of the tests, as one in the own network would be.
      allowAddresses: ['10.0.255.254'],
      // Policies would not let some of the attempts be stored: the controllers hold by themselves.
      admission: { create: false },
    };
    world = await startChartWorld({ values: { multitenancy } });
    for (const object of onboarding(fluxNamespace)) await world.apply(object);
    await world.git.createRepo('apps', repository);
    const url = world.reach(world.git.url('apps'));
    for (const namespace of [tenant, neighbour]) {
      await world.apply(repositoryOf(namespace, url));
      const key = { namespace, name: 'apps' };
      await until(world.client, resourceOf(gitRepositoryKind), key, isReady, { timeoutMs });
    }
    for (const { object } of attempts) await world.apply(object);
  });
  afterAll(() => world?.stop());

  test.each(attempts)(
    'is told why not: $name',
    async ({ object, reason: why, message }) => {
      expect(await untilFailed(object)).toMatchObject({
        reason: why,
        message: expect.stringMatching(message),
      });
    },
    60_000,
  );

  test('deploys an application and a release of its own, which heal at once', async () => {
    for (const object of [kustomization('app', './app'), helmRelease('app', 'app')]) {
      await world.apply(object);
      await until(world.client, kindOf(object), { namespace: tenant, name: 'app' }, isReady, {
        timeoutMs,
      });
    }
    const deployments = await world.resource(appsV1('Deployment'));
    for (const name of ['web', 'web-release']) {
      const key = { namespace: tenant, name };
      const { metadata } = await world.client.patch(
        deployments,
        key,
        { spec: { replicas: 3 } },
        { type: 'merge', fieldManager: 'kubectl-edit' },
      );
      await until<KubeObject>(
        world.client,
        deployments,
        key,
        (object) => (object.metadata.generation ?? 0) > (metadata.generation ?? 0),
        { timeoutMs },
      );
    }
  }, 60_000);

  test('finds nothing of it done', async () => {
    const { items } = await world.client.list<KubeObject>(
      await world.resource(appsV1('Deployment')),
    );
    const outside = items.filter(
      ({ metadata }) => ![tenant, fluxNamespace].includes(metadata.namespace ?? ''),
    );
    expect(outside).toEqual([]);
    const written = (await world.requests()).filter(
      ({ user, impersonated, resource, code }) =>
        user.startsWith(userOf({ namespace: fluxNamespace, name: '' })) &&
        !impersonated &&
        ['clusterroles', 'deployments', 'configmaps'].includes(resource) &&
        code < 300,
    );
    expect(written.filter(({ verb }) => !['get', 'list', 'watch'].includes(verb))).toEqual([]);
  });

  test('is watched without rights to what the role view does not show', async () => {
    const refused = (await world.requests()).filter(
      ({ user, impersonated, code }) =>
        user.startsWith(userOf({ namespace: fluxNamespace, name: '' })) &&
        !impersonated &&
        code === 403,
    );
    expect(new Set(refused.map(describePermission))).toEqual(
      new Set(['list rbac.authorization.k8s.io/clusterroles']),
    );
  });

  test.each(appliers)('is watched and impersonated by %s, not more', async (name) => {
    const { clusterRoles, permissions } = await grantsOf(world.client, {
      namespace: fluxNamespace,
      name,
    });
    expect(clusterRoles).toEqual(['view']);
    const writes = permissions.filter(({ verb }) => !['get', 'list', 'watch'].includes(verb));
    const ownKind = name === 'helm-controller' ? 'helmreleases' : 'kustomizations';
    const others = writes.filter(
      ({ resource }) => ![ownKind, `${ownKind}/status`, 'events', 'helmcharts'].includes(resource),
    );
    const wanted = [...changeControl, ...(name === 'kustomize-controller' ? snapshots : [])];
    expect(new Set(others.map(describePermission))).toEqual(
      new Set(['impersonate serviceaccounts', ...wanted]),
    );
  });

  const access = [
    { verb: 'impersonate', resource: 'serviceaccounts', allowed: true },
    { verb: 'impersonate', resource: 'users', allowed: false },
    { verb: 'impersonate', resource: 'groups', allowed: false },
    { verb: 'create', resource: 'deployments', group: 'apps', allowed: false },
    { verb: 'patch', resource: 'configmaps', allowed: false },
    { verb: 'create', resource: 'secrets', allowed: false },
    { verb: 'delete', resource: 'secrets', allowed: false },
    {
      verb: 'create',
      resource: 'clusterroles',
      group: 'rbac.authorization.k8s.io',
      allowed: false,
    },
    { verb: 'bind', resource: 'clusterroles', group: 'rbac.authorization.k8s.io', allowed: false },
    { verb: 'create', resource: 'pods', allowed: false },
    { verb: 'create', resource: 'serviceaccounts', subresource: 'token', allowed: false },
  ];
  test.each(appliers)(
    'cannot borrow rights of %s, which has none but to impersonate',
    async (name) => {
      const user = userOf({ namespace: fluxNamespace, name });
      for (const { allowed, ...resourceAttributes } of access) {
        const review = {
          apiVersion: 'authorization.k8s.io/v1',
          kind: 'SubjectAccessReview',
          metadata: {},
          spec: { user, resourceAttributes: { ...resourceAttributes, namespace: tenant } },
        } as unknown as KubeObject;
        const answer = await world.client.create<KubeObject & { status?: { allowed: boolean } }>(
          await world.resource(review),
          review,
        );
        expect(answer.status?.allowed, `${name}: ${JSON.stringify(resourceAttributes)}`).toBe(
          allowed,
        );
      }
    },
  );
});
