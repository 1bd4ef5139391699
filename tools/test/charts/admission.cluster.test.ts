import {
  alertKind,
  approvalKind,
  helmReleaseKind,
  type KindDefinition,
  type KubeObject,
  kustomizationKind,
  receiverKind,
} from '@sluice/shared/api';
import { gvkOf, type KubeClient, resourceOf, serviceAccountIdentity } from '@sluice/shared/kube';
import { testCluster, testNamespace } from '@sluice/testing';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type Rendered, render } from './render.ts';

const policyKinds = ['ValidatingAdmissionPolicy', 'ValidatingAdmissionPolicyBinding'];

let client: KubeClient;
let tenant: string;
let platform: string;
/** Acts as the tenant's own account, which may do everything in its namespace. */
let asTenant: KubeClient;
/** Acts as somebody who may write objects in the namespace of the controllers, and no more. */
let asWriter: KubeClient;
const applied: Rendered[] = [];

/** The policies as rendered, for a namespace of the controllers that is this test's, and for its namespaces alone. */
async function policies(settings: string[]): Promise<Rendered[]> {
  const objects = await render('sluice', ['multitenancy.enabled=true', ...settings]);
  const wanted = objects.filter(({ kind }) => policyKinds.includes(kind));
  const text = JSON.stringify(wanted).replaceAll('flux-system', platform);
  const own = JSON.parse(text) as Rendered[];
  for (const policy of own.filter(({ kind }) => kind === policyKinds[0])) {
    // Other tests of the run share the API server.
    policy['spec'].matchConstraints.namespaceSelector = {
      matchExpressions: [
        {
          key: 'kubernetes.io/metadata.name',
          operator: 'In',
          values: [tenant, platform, 'kube-system'],
        },
      ],
    };
  }
  return own;
}

async function resourceFor(object: KubeObject) {
  return client.mapper.resourceFor(gvkOf(object));
}

async function create(object: KubeObject): Promise<void> {
  await client.create(await resourceFor(object), object);
}

const rbac = 'rbac.authorization.k8s.io';

async function grant(
  namespace: string,
  role: KubeObject['metadata'] & { rules: object[] },
  account: string,
) {
  const { rules, ...metadata } = role;
  await create({
    apiVersion: `${rbac}/v1`,
    kind: 'Role',
    metadata: { ...metadata, namespace },
    rules,
  } as KubeObject);
  await create({
    apiVersion: `${rbac}/v1`,
    kind: 'RoleBinding',
    metadata: { name: metadata.name, namespace },
    roleRef: { apiGroup: rbac, kind: 'Role', name: metadata.name },
    subjects: [{ kind: 'ServiceAccount', namespace: tenant, name: account }],
  } as KubeObject);
}

const fluxKinds = { apiGroups: ['*'], resources: ['*'], verbs: ['*'] };
const onlyFlux = {
  apiGroups: ['kustomize.toolkit.fluxcd.io', 'helm.toolkit.fluxcd.io'],
  resources: ['*'],
  verbs: ['*'],
};

beforeAll(async () => {
  ({ client } = await testCluster());
  tenant = await testNamespace(client, 'tenant');
  platform = await testNamespace(client, 'platform');
  for (const object of await policies([])) {
    await create(object as unknown as KubeObject);
    applied.push(object);
  }
  await grant(tenant, { name: 'all', rules: [fluxKinds] }, 'deployer');
  await grant(platform, { name: 'writes', rules: [onlyFlux] }, 'writer');
  asTenant = client.impersonate(serviceAccountIdentity(tenant, 'deployer'));
  asWriter = client.impersonate(serviceAccountIdentity(tenant, 'writer'));
  await vi.waitUntil(isEnforced, { timeout: 60_000, interval: 250 });
});

afterAll(async () => {
  for (const object of applied.reverse()) {
    await client.delete(await resourceFor(object as unknown as KubeObject), object.metadata);
  }
});

/** The API server takes up policies a moment after they are stored. */
async function isEnforced(): Promise<boolean> {
  const refused = await Promise.all(
    [...cases.filter(({ refusal }) => refusal !== undefined)].map((each) =>
      attempt(asTenant, each.kind, tenant, each.spec).then(
        () => false,
        () => true,
      ),
    ),
  );
  return refused.every(Boolean);
}

function attempt(
  as: KubeClient,
  kind: KindDefinition,
  namespace: string,
  spec: object | (() => object),
): Promise<unknown> {
  const object = {
    apiVersion: `${kind.group}/${kind.version}`,
    kind: kind.kind,
    metadata: { name: 'attempt', namespace },
    spec: typeof spec === 'function' ? spec() : spec,
  } as unknown as KubeObject;
  return as.create(resourceOf(kind), object, { dryRun: true });
}

const sourceRef = { kind: 'GitRepository', name: 'apps' };
const ks = { interval: '1m', prune: true, serviceAccountName: 'deployer', sourceRef };
const chart = { spec: { chart: 'app', sourceRef: { kind: 'HelmRepository', name: 'apps' } } };
const hr = { interval: '1m', serviceAccountName: 'deployer', chart };
const elsewhere = { ...sourceRef, namespace: 'team-b' };
const kubeConfig = { secretRef: { name: 'cluster' } };
const alert = { providerRef: { name: 'slack' } };
const receiver = { type: 'generic', secretRef: { name: 'token' } };
const decidingIn = (namespace: string | undefined) => ({
  ...receiver,
  type: 'generic-hmac',
  resources: [],
  decisions: {
    serviceAccountName: 'chat',
    targets: [{ kind: 'Kustomization', name: 'x', ...(namespace && { namespace }) }],
  },
});

const approval = {
  targetRef: { kind: 'Kustomization', name: 'web' },
  planDigest: `sha256:${'a'.repeat(64)}`,
};

const cases: {
  name: string;
  kind: KindDefinition;
  spec: object | (() => object);
  refusal?: RegExp;
}[] = [
  { name: 'a Kustomization with an account', kind: kustomizationKind, spec: ks },
  { name: 'a HelmRelease with an account', kind: helmReleaseKind, spec: hr },
  {
    name: 'a Kustomization without an account, for another cluster',
    kind: kustomizationKind,
    spec: { ...ks, serviceAccountName: undefined, kubeConfig },
  },
  {
    name: 'an Approval by the user it names',
    kind: approvalKind,
    spec: () => ({ ...approval, user: `system:serviceaccount:${tenant}:deployer` }),
  },
  {
    name: 'an Approval by another user',
    kind: approvalKind,
    spec: { ...approval, user: 'lead@example.com' },
    refusal: /spec.user is not the user who approves: set it to system:serviceaccount:/,
  },
  {
    name: 'a Kustomization without an account',
    kind: kustomizationKind,
    spec: { ...ks, serviceAccountName: undefined },
    refusal: /serviceAccountName is missing/,
  },
  {
    name: 'a Kustomization with an empty account',
    kind: kustomizationKind,
    spec: { ...ks, serviceAccountName: '' },
    refusal: /serviceAccountName is missing/,
  },
  {
    name: 'a HelmRelease without an account',
    kind: helmReleaseKind,
    spec: { ...hr, serviceAccountName: undefined },
    refusal: /serviceAccountName is missing/,
  },
  {
    name: 'a Kustomization from the source of another namespace',
    kind: kustomizationKind,
    spec: { ...ks, sourceRef: elsewhere },
    refusal: /source of another namespace/,
  },
  {
    name: 'a HelmRelease with the chart of another namespace',
    kind: helmReleaseKind,
    spec: { ...hr, chart: { spec: { chart: 'app', sourceRef: elsewhere } } },
    refusal: /source of another namespace/,
  },
  {
    name: 'a HelmRelease with a chartRef to another namespace',
    kind: helmReleaseKind,
    spec: {
      ...hr,
      chart: undefined,
      chartRef: { kind: 'HelmChart', name: 'app', namespace: 'team-b' },
    },
    refusal: /source of another namespace/,
  },
  {
    name: 'a Kustomization that applies to kube-system',
    kind: kustomizationKind,
    spec: { ...ks, targetNamespace: 'kube-system' },
    refusal: /targetNamespace/,
  },
  {
    name: 'a HelmRelease that keeps its release in kube-system',
    kind: helmReleaseKind,
    spec: { ...hr, storageNamespace: 'kube-system' },
    refusal: /storageNamespace/,
  },
  {
    name: 'a Kustomization with an expression about an object of another namespace',
    kind: kustomizationKind,
    spec: { ...ks, dependsOn: [{ name: 'x', namespace: 'team-b', readyExpr: 'true' }] },
    refusal: /readyExpr/,
  },
  {
    name: 'a Kustomization that depends on an object of another namespace',
    kind: kustomizationKind,
    spec: {
      ...ks,
      dependsOn: [{ apiVersion: 'v1', kind: 'Secret', name: 'x', namespace: 'team-b' }],
    },
    refusal: /dependsOn/,
  },
  {
    name: 'a Kustomization that depends on one of another namespace',
    kind: kustomizationKind,
    spec: { ...ks, dependsOn: [{ name: 'x', namespace: 'team-b' }] },
  },
  {
    name: 'an Alert about another namespace',
    kind: alertKind,
    spec: { ...alert, eventSources: [{ kind: 'Kustomization', name: '*', namespace: 'team-b' }] },
    refusal: /another namespace/,
  },
  {
    name: 'an Alert about its own',
    kind: alertKind,
    spec: { ...alert, eventSources: [{ kind: 'Kustomization', name: '*' }] },
  },
  {
    name: 'a Receiver for another namespace',
    kind: receiverKind,
    spec: { ...receiver, resources: [{ kind: 'GitRepository', name: 'x', namespace: 'team-b' }] },
    refusal: /another namespace/,
  },
  {
    name: 'a Receiver that decides in another namespace',
    kind: receiverKind,
    spec: decidingIn('team-b'),
    refusal: /spec.decisions.targets names an object of another namespace/,
  },
  {
    name: 'a Receiver that decides in its own',
    kind: receiverKind,
    spec: decidingIn(undefined),
  },
  {
    name: 'a Receiver for its own',
    kind: receiverKind,
    spec: { ...receiver, resources: [{ kind: 'GitRepository', name: 'x' }] },
  },
];

describe('with the policies of locked-down tenants, a tenant', () => {
  test.each(cases.filter(({ refusal }) => refusal === undefined))(
    'may store $name',
    async ({ kind, spec }) => {
      await attempt(asTenant, kind, tenant, spec);
    },
  );

  test.each(cases.filter(({ refusal }) => refusal !== undefined))(
    'is refused $name',
    async ({ kind, spec, refusal }) => {
      await expect(attempt(asTenant, kind, tenant, spec)).rejects.toThrow(refusal as RegExp);
    },
  );

  test('cannot change what it has into what it may not store', async () => {
    const metadata = { name: 'changes', namespace: tenant };
    const resource = resourceOf(kustomizationKind);
    const object = {
      apiVersion: 'kustomize.toolkit.fluxcd.io/v1',
      kind: 'Kustomization',
      metadata,
    };
    await asTenant.create(resource, { ...object, spec: ks } as unknown as KubeObject);
    for (const spec of [{ serviceAccountName: null }, { sourceRef: { namespace: 'team-b' } }])
      await expect(asTenant.patch(resource, metadata, { spec }, { type: 'merge' })).rejects.toThrow(
        /multitenancy\.enabled forbids/,
      );
  });
});

describe('in the namespaces of the controllers and of the system', () => {
  const own = { ...ks, serviceAccountName: 'platform' };

  test('somebody who may only write objects does not get the accounts that are there', async () => {
    await expect(attempt(asWriter, kustomizationKind, platform, own)).rejects.toThrow(
      /only who may impersonate/,
    );
    await expect(
      attempt(asWriter, kustomizationKind, platform, {
        ...own,
        serviceAccountName: undefined,
        kubeConfig,
      }),
    ).rejects.toThrow(/only who may impersonate/);
  });

  test('an administrator stores what he wants, but not as a controller', async () => {
    for (const namespace of [platform, 'kube-system'])
      await attempt(client, kustomizationKind, namespace, {
        ...own,
        targetNamespace: 'kube-system',
      });
    for (const name of ['kustomize-controller', 'source-controller'])
      await expect(
        attempt(client, kustomizationKind, platform, { ...own, serviceAccountName: name }),
      ).rejects.toThrow(/account of a controller/);
  });

  test('what was stored before the policies keeps its finalizers free and can go', async () => {
    const metadata = { name: 'before', namespace: platform, finalizers: ['finalizers.fluxcd.io'] };
    const [policy] = applied.filter(
      ({ kind, metadata: { name } }) => kind === policyKinds[1] && name.startsWith('kustomize'),
    );
    const binding = policy as unknown as KubeObject;
    await client.delete(await resourceFor(binding), binding.metadata);
    const resource = resourceOf(kustomizationKind);
    const old = {
      apiVersion: 'kustomize.toolkit.fluxcd.io/v1',
      kind: 'Kustomization',
      metadata,
      spec: { ...ks, serviceAccountName: undefined },
    } as unknown as KubeObject;
    const stored = () =>
      client.create(resource, old).then(
        () => true,
        () => false,
      );
    await vi.waitUntil(stored, { timeout: 30_000, interval: 250 });
    const { resourceVersion: _, ...bindingMetadata } = binding.metadata;
    await create({ ...binding, metadata: bindingMetadata });
    const isRefused = () =>
      attempt(client, kustomizationKind, platform, { ...own, serviceAccountName: '' }).then(
        () => false,
        () => true,
      );
    await vi.waitUntil(isRefused, { timeout: 30_000, interval: 250 });
    await client.patch(resource, metadata, { metadata: { finalizers: [] } }, { type: 'merge' });
    await client.delete(resource, metadata);
  });
});

describe('the values', () => {
  test('can forbid other clusters, exempt namespaces, or leave the policies out', async () => {
    const strict = await policies(['multitenancy.admission.remoteClusters=false']);
    expect(JSON.stringify(strict)).toContain('!has(variables.spec.kubeConfig)');
    const rendered = (settings: string[]) =>
      render('sluice', ['multitenancy.enabled=true', ...settings]);
    const exempt = await rendered(['multitenancy.admission.exemptNamespaces=["lab"]']);
    const [policy] = exempt.filter(({ kind }) => kind === policyKinds[0]);
    expect(policy?.['spec'].matchConstraints.namespaceSelector.matchExpressions).toEqual([
      { key: 'kubernetes.io/metadata.name', operator: 'NotIn', values: ['lab'] },
    ]);
    for (const settings of [
      ['multitenancy.admission.create=false'],
      ['watchAllNamespaces=false'],
    ]) {
      const objects = await rendered([...settings, 'approvals.verifyUser=false']);
      expect(objects.filter(({ kind }) => policyKinds.includes(kind))).toEqual([]);
    }
  });

  test('can limit impersonation to namespaces', async () => {
    const objects = await render('sluice', [
      'multitenancy.enabled=true',
      'multitenancy.tenantNamespaces=["team-a","team-b"]',
    ]);
    const ofImpersonators = objects.filter(
      ({ kind, roleRef }) =>
        kind.endsWith('Binding') && String(roleRef?.name).includes('impersonator'),
    );
    expect(
      ofImpersonators.map(({ kind, metadata }) => `${kind} ${metadata.namespace}`).sort(),
    ).toEqual([
      'RoleBinding team-a',
      'RoleBinding team-a',
      'RoleBinding team-b',
      'RoleBinding team-b',
    ]);
  });
});
