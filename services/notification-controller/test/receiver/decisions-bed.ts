import { createHmac, randomBytes } from 'node:crypto';
import {
  type Approval,
  approvalKind,
  helmReleaseKind,
  type KubeObject,
  type Kustomization,
  kustomizationKind,
  type Receiver,
  receiverKind,
} from '@sluice/shared/api';
import { coreResources, resourceOf } from '@sluice/shared/kube';
import { tenantAccount, until } from '@sluice/testing';
import { webhookPath } from '../../src/receiver/webhook-path.ts';
import { type OwnCluster, startOwnCluster } from '../own-cluster.ts';
import { startWorld, type World } from '../world.ts';

// Not the run-wide cluster: there are controllers in it that forbid references to other namespaces.
let cluster: OwnCluster;
export let world: World;
export const elsewhere = 'elsewhere';

export const reads = {
  apiGroups: ['kustomize.toolkit.fluxcd.io', 'helm.toolkit.fluxcd.io'],
  resources: ['kustomizations', 'helmreleases'],
  verbs: ['get'],
};
export const decides = {
  apiGroups: ['delivery.sluice.dev'],
  resources: ['approvals'],
  verbs: ['create', 'get'],
};

/** Starts a controller in a cluster of its own, with accounts that may more and less. */
export async function startDecisions(): Promise<void> {
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
}

export async function stopDecisions(): Promise<void> {
  await world.end();
  await cluster.stop();
}

export const receivers = resourceOf(receiverKind);
export const approvals = resourceOf(approvalKind);
export const kustomizations = resourceOf(kustomizationKind);
export const helmReleases = resourceOf(helmReleaseKind);
export const token = 'decisions-canary';
export const digest = (letter: string) => `sha256:${letter.repeat(64)}`;
export const unique = () => `d${randomBytes(4).toString('hex')}`;

export type Decisions = NonNullable<Receiver['spec']['decisions']>;

export const forAll: Decisions = {
  serviceAccountName: 'chat',
  targets: [{ kind: 'Kustomization', name: '*', matchLabels: { chat: 'yes' } }],
};

export async function createReceiver(spec: Partial<Receiver['spec']>): Promise<string> {
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

export const plan = {
  digest: digest('a'),
  revision: 'r1',
  create: 0,
  change: 1,
  delete: 0,
  url: '/x',
};
export const inStatus = { type: 'merge', subresource: 'status' } as const;

/** Creates a Kustomization whose plan waits. */
export async function createWaiting(
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

export const sayingOf = (name: string, more: object = {}) => ({
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

export function send(
  receiver: string,
  { body, key = token, id, headers }: Called,
): Promise<Response> {
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
export async function call(
  receiver: string,
  called: Called,
): Promise<{ status: number; said: string }> {
  for (;;) {
    const response = await send(receiver, called);
    const { status } = response;
    const said = await response.text();
    if (status !== 404 && status !== 503) return { status, said };
  }
}

export async function approvalsOf(name: string, namespace = world.namespace): Promise<Approval[]> {
  const { items } = await world.client.list<Approval>(approvals, { namespace });
  return items.filter(({ spec }) => spec.targetRef.name === name);
}

export const untilReceiver = (name: string, predicate: (receiver: Receiver) => boolean) =>
  until<Receiver>(world.client, receivers, { namespace: world.namespace, name }, predicate);
export const lastCall = (name: string, result: string) =>
  untilReceiver(name, ({ status }) => status?.lastCall?.result === result);
export const account = () => `system:serviceaccount:${world.namespace}:chat`;
