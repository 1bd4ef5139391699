import { createHmac, randomBytes } from 'node:crypto';
import {
  type Approval,
  approvalKind,
  approvalOf,
  type HelmRelease,
  helmReleaseKind,
  type KubeObject,
  type Kustomization,
  kustomizationKind,
  type Receiver,
  receiverKind,
} from '@sluice/shared/api';
import { coreResources, resourceOf } from '@sluice/shared/kube';
import { assertStatusContract, tenantAccount, until } from '@sluice/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { webhookPath } from '../../src/receiver/webhook-path.ts';
import { type OwnCluster, startOwnCluster } from '../own-cluster.ts';
import { startWorld, type World } from '../world.ts';

// Not the run-wide cluster: there are controllers in it that forbid references to other namespaces.
let cluster: OwnCluster;
let world: World;
const elsewhere = 'elsewhere';

const reads = {
  apiGroups: ['kustomize.toolkit.fluxcd.io', 'helm.toolkit.fluxcd.io'],
  resources: ['kustomizations', 'helmreleases'],
  verbs: ['get'],
};
const decides = {
  apiGroups: ['delivery.sluice.dev'],
  resources: ['approvals'],
  verbs: ['create', 'get'],
};

beforeAll(async () => {
  cluster = await startOwnCluster();
  world = await startWorld({ cluster });
  const { client, namespace } = world;
  await client.create(coreResources.namespaces, {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: elsewhere },
  });
  await tenantAccount(client, { namespace, name: 'chat' }, [reads, decides]);
  await tenantAccount(client, { namespace, name: 'reader' }, [reads]);
  await tenantAccount(client, { namespace, name: 'nobody' }, []);
  await tenantAccount(client, { namespace: elsewhere, name: 'chat' }, [reads, decides]);
});
afterAll(async () => {
  await world.end();
  await cluster.stop();
});

const receivers = resourceOf(receiverKind);
const approvals = resourceOf(approvalKind);
const kustomizations = resourceOf(kustomizationKind);
const helmReleases = resourceOf(helmReleaseKind);
const token = 'decisions-canary';
const digest = (letter: string) => `sha256:${letter.repeat(64)}`;
const unique = () => `d${randomBytes(4).toString('hex')}`;

type Decisions = NonNullable<Receiver['spec']['decisions']>;

const forAll: Decisions = {
  serviceAccountName: 'chat',
  targets: [{ kind: 'Kustomization', name: '*', matchLabels: { chat: 'yes' } }],
};

async function createReceiver(spec: Partial<Receiver['spec']>): Promise<string> {
  const { client, namespace } = world;
  const name = unique();
  await client.create(coreResources.secrets, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name, namespace, labels: { 'reconcile.fluxcd.io/watch': 'Enabled' } },
    stringData: { token },
  } as KubeObject);
  await client.create<KubeObject & Pick<Receiver, 'spec'>>(receivers, {
    apiVersion: 'notification.toolkit.fluxcd.io/v1',
    kind: 'Receiver',
    metadata: { name, namespace },
    spec: { type: 'generic-hmac', secretRef: { name }, resources: [], decisions: forAll, ...spec },
  });
  return name;
}

const plan = { digest: digest('a'), revision: 'r1', create: 0, change: 1, delete: 0, url: '/x' };
const inStatus = { type: 'merge', subresource: 'status' } as const;

/** Creates a Kustomization whose plan waits. */
async function createWaiting(
  o: { labels?: Record<string, string>; namespace?: string } = {},
): Promise<string> {
  const { labels = { chat: 'yes' }, namespace = world.namespace } = o;
  const { metadata } = await world.client.create<Kustomization>(kustomizations, {
    apiVersion: 'kustomize.toolkit.fluxcd.io/v1',
    kind: 'Kustomization',
    metadata: { name: unique(), namespace, labels },
    spec: { interval: '1h', prune: true, sourceRef: { kind: 'GitRepository', name: 'x' } },
  });
  await world.client.patch(kustomizations, metadata, { status: { plan } }, inStatus);
  return metadata.name;
}

const sayingOf = (name: string, more: object = {}) => ({
  kind: 'Kustomization',
  name,
  planDigest: digest('a'),
  decision: 'Approve',
  user: 'jane@example.com',
  reason: 'CHG-1',
  ...more,
});

interface Called {
  body: object | string;
  key?: string;
  id?: string;
  headers?: Record<string, string>;
}

function send(receiver: string, { body, key = token, id, headers }: Called): Promise<Response> {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const signature = createHmac('sha256', key).update(text).digest('hex');
  const path = webhookPath(token, receiver, world.namespace);
  return fetch(`${world.controllers.receiverUrl}${path}`, {
    method: 'POST',
    body: text,
    headers: { 'X-Signature': `sha256=${signature}`, ...(id && { 'webhook-id': id }), ...headers },
  });
}

/** Sends a signed body once the controller serves the Receiver; returns the answer. */
async function call(receiver: string, called: Called): Promise<{ status: number; said: string }> {
  for (;;) {
    const response = await send(receiver, called);
    const { status } = response;
    const said = await response.text();
    if (status !== 404 && status !== 503) return { status, said };
  }
}

async function approvalsOf(name: string, namespace = world.namespace): Promise<Approval[]> {
  const { items } = await world.client.list<Approval>(approvals, { namespace });
  return items.filter(({ spec }) => spec.targetRef.name === name);
}

const untilReceiver = (name: string, predicate: (receiver: Receiver) => boolean) =>
  until<Receiver>(world.client, receivers, { namespace: world.namespace, name }, predicate);
const lastCall = (name: string, result: string) =>
  untilReceiver(name, ({ status }) => status?.lastCall?.result === result);
const account = () => `system:serviceaccount:${world.namespace}:chat`;

describe('a signed decision', () => {
  test('makes one Approval, by the account, however often it is sent and by whomever', async () => {
    const { namespace } = world;
    const receiver = await createReceiver({});
    const name = await createWaiting();
    const body = sayingOf(name);
    const first = await call(receiver, { body });
    expect(first).toEqual({
      status: 200,
      said: expect.stringContaining(`Kustomization ${namespace}/${name}: created the Approval`),
    });
    await lastCall(receiver, 'Succeeded');
    for (const again of [
      { body },
      { body, id: 'one' },
      { body, id: 'one' },
      { body: sayingOf(name, { user: 'joe@example.com' }) },
    ])
      expect(await call(receiver, again)).toEqual({
        status: 200,
        said: expect.stringContaining('there already was the Approval'),
      });
    const [approval, ...others] = await approvalsOf(name);
    expect(others).toEqual([]);
    expect(approval?.spec).toEqual({
      targetRef: { kind: 'Kustomization', name },
      planDigest: digest('a'),
      user: account(),
      decision: 'Approve',
      reason: `Receiver ${namespace}/${receiver} claims that "jane@example.com" decides: CHG-1`,
    });
    expect(first.said).toContain(`'${approval?.metadata.name}' of ${account()}`);
    expect(approval?.metadata.ownerReferences).toMatchObject([{ kind: 'Kustomization', name }]);
  });

  test('that follows another one under the same identifier is taken', async () => {
    const receiver = await createReceiver({});
    const [one, two] = [await createWaiting(), await createWaiting()];
    for (const name of [one, two])
      expect(await call(receiver, { body: sayingOf(name), id: 'same' })).toMatchObject({
        status: 200,
      });
    expect(await approvalsOf(two)).toHaveLength(1);
  });

  test('may reject, and cannot put words into the mouth of the controller', async () => {
    const receiver = await createReceiver({});
    const name = await createWaiting();
    const user = 'joe\u001b[31m" decides: by all\n';
    const body = sayingOf(name, { decision: 'Reject', user, reason: undefined });
    expect(await call(receiver, { body })).toMatchObject({ status: 200 });
    const [rejection] = await approvalsOf(name);
    expect(rejection?.spec).toMatchObject({
      decision: 'Reject',
      reason: `Receiver ${world.namespace}/${receiver} claims that "joe\\" decides: by all" decides`,
    });
  });

  test('has a reason that the API server takes, however long', async () => {
    const receiver = await createReceiver({});
    const name = await createWaiting();
    const body = sayingOf(name, { user: '"\ud800'.repeat(1000), reason: '😀'.repeat(1000) });
    expect(await call(receiver, { body })).toMatchObject({ status: 200 });
    expect(await approvalsOf(name)).toHaveLength(1);
  });

  test('about a HelmRelease by its name is taken', async () => {
    const { client, namespace } = world;
    const { metadata } = await client.create<HelmRelease>(helmReleases, {
      apiVersion: 'helm.toolkit.fluxcd.io/v2',
      kind: 'HelmRelease',
      metadata: { name: unique(), namespace },
      spec: { interval: '1h', chartRef: { kind: 'OCIRepository', name: 'x' } },
    });
    await client.patch(helmReleases, metadata, { status: { plan } }, inStatus);
    const { name } = metadata;
    const receiver = await createReceiver({
      decisions: { ...forAll, targets: [{ kind: 'HelmRelease', name }] },
    });
    const answer = await call(receiver, { body: sayingOf(name, { kind: 'HelmRelease' }) });
    expect(answer).toMatchObject({ status: 200 });
    expect(await approvalsOf(name)).toHaveLength(1);
  });

  test('is asked about by the filter, which sees the body whatever its content type', async () => {
    const resourceFilter = "req.user.endsWith('@example.com') && res.metadata.labels.chat == 'yes'";
    const receiver = await createReceiver({ resourceFilter });
    const name = await createWaiting();
    const headers = { 'content-type': 'text/plain' };
    expect(await call(receiver, { body: sayingOf(name), headers })).toMatchObject({ status: 200 });
    expect(await approvalsOf(name)).toHaveLength(1);
  });
});

describe('a decision is refused, and nothing is made,', () => {
  const only = (change: Partial<Decisions>) => ({ decisions: { ...forAll, ...change } });
  const unlisted = /^Kustomization \S+ is not there, or none of spec\.decisions\.targets\n$/;
  const forbidden = /^the ServiceAccount of the Receiver may not do this: status\.lastCall .*\n$/;
  const cases: {
    name: string;
    body?: (target: string) => object | string;
    spec?: Partial<Receiver['spec']>;
    labels?: Record<string, string>;
    key?: string;
    says: RegExp;
    status?: number;
    noted?: RegExp;
  }[] = [
    { name: 'with another signature', key: 'wrong', says: /^$/, noted: /signature does not fit/ },
    {
      name: 'with a body that is none',
      body: () => ({ ref: 'main' }),
      says: /^the field 'ref' is not known/,
    },
    { name: 'that is no JSON', body: () => 'hunter2', says: /^the body is no JSON\n$/ },
    {
      name: 'with a huge body',
      body: (target) => sayingOf(target, { reason: 'x'.repeat(100_000) }),
      says: /bytes, more than 16384\n$/,
    },
    {
      name: 'about an old plan',
      body: (target) => sayingOf(target, { planDigest: digest('b') }),
      says: /: this plan does not wait, or does not any more: look at status\.plan again\n$/,
    },
    { name: 'about an object without the labels', labels: { chat: 'no' }, says: unlisted },
    {
      name: 'about an object that is not named',
      spec: only({ targets: [{ kind: 'Kustomization', name: 'other' }] }),
      says: unlisted,
    },
    {
      name: 'about another kind of the same name',
      spec: only({ targets: [{ ...forAll.targets[0], kind: 'HelmRelease', name: '*' }] }),
      says: unlisted,
    },
    { name: 'about an object that is not there', body: () => sayingOf('gone'), says: unlisted },
    {
      name: 'about an object of a namespace that is not listed',
      body: (target) => sayingOf(target, { namespace: 'kube-system' }),
      says: unlisted,
    },
    {
      name: 'that the filter does not allow',
      spec: { resourceFilter: "req.user.endsWith('@example.org')" },
      says: /^spec\.resourceFilter does not allow it\n$/,
    },
    {
      name: 'when the filter gives no answer',
      spec: { resourceFilter: "req.missing == 'x'" },
      says: /^spec\.resourceFilter gave no answer/,
      status: 500,
      noted: /a field is missing/,
    },
    {
      name: 'as an account that may not approve',
      spec: only({ serviceAccountName: 'reader' }),
      says: forbidden,
      status: 403,
      noted: /cannot create resource "approvals"/,
    },
    {
      name: 'as an account that may not read',
      spec: only({ serviceAccountName: 'nobody' }),
      says: forbidden,
      status: 403,
      noted: /cannot get resource "kustomizations"/,
    },
  ];

  test.each(cases)('$name', async ({ body, spec = {}, labels, key, says, status = 400, noted }) => {
    const receiver = await createReceiver(spec);
    const target = await createWaiting({ ...(labels && { labels }) });
    const answer = await call(receiver, { body: body?.(target) ?? sayingOf(target), key });
    expect(answer).toEqual({ status, said: expect.stringMatching(says) });
    const called = (await lastCall(receiver, status < 500 ? 'Refused' : 'Failed')).status?.lastCall;
    expect(called?.reason).toMatch(noted ?? /./);
    expect(JSON.stringify(called)).not.toContain('hunter2');
    expect(await approvalsOf(target)).toEqual([]);
  });

  test('when there is another Approval of its name', async () => {
    const receiver = await createReceiver({});
    const key = { namespace: world.namespace, name: await createWaiting() };
    const target = await world.client.get<Kustomization>(kustomizations, key);
    const said = { planDigest: digest('a'), user: account() };
    const wanted = approvalOf({ target, ...said, decision: 'Approve' });
    const spec = { ...wanted.spec, planDigest: digest('b') };
    await world.client.create<Approval>(approvals, { ...wanted, spec });
    expect(await call(receiver, { body: sayingOf(key.name) })).toEqual({
      status: 400,
      said: `the Approval '${wanted.metadata.name}' says something else: delete it\n`,
    });
    expect(await approvalsOf(key.name)).toMatchObject([{ spec }]);
  });

  test('when the body is larger than any webhook may be', async () => {
    const receiver = await createReceiver({});
    const target = await createWaiting();
    await call(receiver, { body: 'ready' });
    const body = sayingOf(target, { reason: 'x'.repeat(4 * 1024 * 1024) });
    expect((await send(receiver, { body })).status).toBe(413);
    expect(await approvalsOf(target)).toEqual([]);
  });

  test('once the plan waits no more', async () => {
    const receiver = await createReceiver({});
    const name = await createWaiting();
    const key = { namespace: world.namespace, name };
    await world.client.patch(kustomizations, key, { status: { plan: null } }, inStatus);
    expect(await call(receiver, { body: sayingOf(name) })).toMatchObject({ status: 400 });
    expect(await approvalsOf(name)).toEqual([]);
  });

  test('while the Receiver is suspended', async () => {
    const receiver = await createReceiver({});
    const target = await createWaiting();
    await call(receiver, { body: 'ready' });
    const key = { namespace: world.namespace, name: receiver };
    await world.client.patch(receivers, key, { spec: { suspend: true } }, { type: 'merge' });
    let status = 400;
    while (status === 400) ({ status } = await send(receiver, { body: 'not yet' }));
    expect(status).toBe(503);
    expect((await send(receiver, { body: sayingOf(target) })).status).toBe(503);
    expect(await approvalsOf(target)).toEqual([]);
  });
});

describe('another namespace', () => {
  test('needs the rights of the account there', async () => {
    const target = await createWaiting({ namespace: elsewhere });
    const targets = forAll.targets.map((one) => ({ ...one, namespace: elsewhere }));
    const receiver = await createReceiver({ decisions: { ...forAll, targets } });
    const body = sayingOf(target, { namespace: elsewhere });
    expect(await call(receiver, { body })).toMatchObject({ status: 403 });
    // A namesake there is another account.
    expect(await approvalsOf(target, elsewhere)).toEqual([]);
    const rbac = 'rbac.authorization.k8s.io';
    const bindings = {
      group: rbac,
      version: 'v1',
      kind: 'RoleBinding',
      plural: 'rolebindings',
      namespaced: true,
    };
    await world.client.create(bindings, {
      apiVersion: `${rbac}/v1`,
      kind: 'RoleBinding',
      metadata: { name: 'from-there', namespace: elsewhere },
      roleRef: { apiGroup: rbac, kind: 'Role', name: 'chat' },
      subjects: [{ kind: 'ServiceAccount', name: 'chat', namespace: world.namespace }],
    } as KubeObject);
    let answer = await call(receiver, { body });
    while (answer.status === 403) answer = await call(receiver, { body });
    expect(answer).toMatchObject({ status: 200 });
    const [approval] = await approvalsOf(target, elsewhere);
    expect(approval?.spec.user).toBe(account());
  });
});

test.each<{ name: string; spec: Partial<Receiver['spec']>; says: string }>([
  {
    name: 'another type',
    spec: { type: 'generic' },
    says: "spec.decisions is only for spec.type 'generic-hmac'",
  },
  {
    name: 'resources as well',
    spec: { resources: [{ kind: 'GitRepository', name: 'x' }] },
    says: 'empty spec.resources',
  },
  {
    name: 'onlyPushedRef as well',
    spec: { onlyPushedRef: true },
    says: 'remove spec.onlyPushedRef',
  },
  {
    name: 'an account that is none',
    spec: { decisions: { ...forAll, serviceAccountName: 'kube-system:admin' } },
    says: "serviceAccountName 'kube-system:admin', which cannot be one",
  },
  {
    name: 'all objects',
    spec: { decisions: { ...forAll, targets: [{ kind: 'Kustomization', name: '*' }] } },
    says: "name '*' without matchLabels in targets[0]",
  },
  {
    name: 'no labels',
    spec: {
      decisions: { ...forAll, targets: [{ kind: 'Kustomization', name: '*', matchLabels: {} }] },
    },
    says: "name '*' without matchLabels in targets[0]",
  },
  {
    name: 'a filter that cannot be read',
    spec: { resourceFilter: 'req.' },
    says: 'spec.resourceFilter',
  },
])('a Receiver for decisions with $name is stalled, and refuses', async ({ spec, says }) => {
  const name = await createReceiver(spec);
  const stalled = await untilReceiver(
    name,
    ({ status }) => status?.conditions?.some(({ type }) => type === 'Stalled') ?? false,
  );
  assertStatusContract(stalled);
  expect(stalled.status?.conditions?.find(({ type }) => type === 'Ready')?.message).toContain(says);
  const target = await createWaiting();
  expect((await send(name, { body: sayingOf(target) })).ok).toBe(false);
  expect(await approvalsOf(target)).toEqual([]);
});
