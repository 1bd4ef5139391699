import { createHmac } from 'node:crypto';
import {
  type Approval,
  type AuditRecord,
  approvalKind,
  type FluxEvent,
  type KubeObject,
  type Kustomization,
  kustomizationKind,
  type Receiver,
  receiverKind,
} from '@sluice/shared/api';
import { coreResources, gvkOf, resourceOf } from '@sluice/shared/kube';
import { isReady } from '@sluice/shared/runtime';
import {
  receiveWebhooks,
  startControllers,
  startGitServer,
  temporaryFolder,
  tenantAccount,
  testCluster,
  until,
  type WebhookReceiver,
} from '@sluice/testing';
import { expect, onTestFinished, test, vi } from 'vitest';
import { startWorld, type World } from '../../../services/notification-controller/test/world.ts';
import { accountOfChart } from './account-of-chart.ts';
import { render } from './render.ts';

const approvals = resourceOf(approvalKind);
const kustomizations = resourceOf(kustomizationKind);
const receivers = resourceOf(receiverKind);
const token = 'chat-canary';
const shard = 'test.sluice.dev/shard';

const rules = [
  { apiGroups: ['delivery.sluice.dev'], resources: ['approvals'], verbs: ['create', 'get'] },
  { apiGroups: ['kustomize.toolkit.fluxcd.io'], resources: ['kustomizations'], verbs: ['get'] },
];

/** Has the API server refuse Approvals that name another user, as the charts do, in one namespace. */
async function verifyUsers({ client, namespace }: World): Promise<void> {
  const objects = (await render('sluice')).filter(({ kind }) =>
    kind.startsWith('ValidatingAdmissionPolicy'),
  );
  const text = JSON.stringify(objects).replaceAll('flux-system', namespace);
  for (const object of JSON.parse(text)) {
    // Other tests of the run share the API server.
    if (object.kind === 'ValidatingAdmissionPolicy')
      object.spec.matchConstraints.namespaceSelector = {
        matchLabels: { 'kubernetes.io/metadata.name': namespace },
      };
    const resource = await client.mapper.resourceFor(gvkOf(object));
    const { metadata } = await client.create<KubeObject>(resource, object);
    onTestFinished(async () => void (await client.delete(resource, metadata)));
  }
  const approval = {
    apiVersion: 'delivery.sluice.dev/v1alpha1',
    kind: 'Approval',
    metadata: { name: 'attempt', namespace },
    spec: {
      targetRef: { kind: 'Kustomization', name: 'x' },
      planDigest: `sha256:${'a'.repeat(64)}`,
      user: 'somebody-else',
    },
  } as Approval;
  const isRefused = () =>
    client.create(approvals, approval, { dryRun: true }).then(
      () => false,
      (error: Error) => error.message.includes('not the user who approves'),
    );
  // The API server takes up policies a moment after they are stored.
  await vi.waitUntil(isRefused, { timeout: 60_000, interval: 250 });
}

/** A Kustomization that waits for approval of what is in Git, with the controllers that it needs. */
async function startDelivery({ client, namespace, bus }: World): Promise<void> {
  const { kubeconfigPath, natsUrl } = await testCluster();
  const folder = await temporaryFolder('chat');
  onTestFinished(() => folder.remove());
  const git = await startGitServer();
  onTestFinished(() => git.stop());
  const configMap = 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: approved }\n';
  await git.createRepo('shop', { 'deploy/config.yaml': configMap });
  const mine = [`--watch-label-selector=${shard}=${namespace}`];
  const controllers = await startControllers({
    dir: folder.path,
    kubeconfigPath,
    natsUrl,
    natsPrefix: bus.prefix,
    names: ['source-controller', 'kustomize-controller'],
    extraArgs: { 'source-controller': mine, 'kustomize-controller': mine },
  });
  onTestFinished(() => controllers.stop());
  const metadata = { name: 'shop', namespace, labels: { [shard]: namespace } };
  const source = {
    apiVersion: 'source.toolkit.fluxcd.io/v1',
    kind: 'GitRepository',
    metadata,
    spec: { interval: '10m', url: git.url('shop'), ref: { branch: 'main' } },
  };
  await client.create<KubeObject>(await client.mapper.resourceFor(gvkOf(source)), source);
  await client.create<Kustomization>(kustomizations, {
    apiVersion: 'kustomize.toolkit.fluxcd.io/v1',
    kind: 'Kustomization',
    metadata,
    spec: {
      interval: '10m',
      path: './deploy',
      prune: true,
      targetNamespace: namespace,
      sourceRef: { kind: 'GitRepository', name: 'shop' },
      changePolicy: { mode: 'Approve' },
    },
  });
}

/** Makes a Receiver that decides as an account; returns the path. */
async function receiverFor({ client, namespace }: World, account: string): Promise<string> {
  await tenantAccount(client, { namespace, name: account }, rules);
  const metadata = { name: account, namespace };
  await client.create(coreResources.secrets, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata,
    stringData: { token },
  } as KubeObject);
  await client.create<KubeObject & Pick<Receiver, 'spec'>>(receivers, {
    apiVersion: 'notification.toolkit.fluxcd.io/v1',
    kind: 'Receiver',
    metadata,
    spec: {
      type: 'generic-hmac',
      secretRef: { name: account },
      resources: [],
      decisions: {
        serviceAccountName: account,
        targets: [{ kind: 'Kustomization', name: 'shop' }],
      },
    },
  });
  const { status } = await until<Receiver>(client, receivers, metadata, isReady);
  return status?.webhookPath ?? '';
}

/** What a bot does when somebody presses the button below a message: it answers what the message was about. */
async function pressButton(world: World, path: string, event: FluxEvent) {
  const { kind, name } = event.involvedObject;
  const said = { planDigest: event.metadata?.['plan'], decision: 'Approve', user: 'jane' };
  const body = JSON.stringify({ kind, name, ...said, reason: 'CHG-1' });
  const signature = createHmac('sha256', token).update(body).digest('hex');
  const response = await fetch(`${world.controllers.receiverUrl}${path}`, {
    method: 'POST',
    body,
    headers: { 'X-Signature': `sha256=${signature}` },
  });
  return { status: response.status, said: await response.text() };
}

const isEvent = ({ body }: { body: string }) => body.includes('"ApprovalRequired"');
const isRecord = ({ body }: { body: string }) => body.includes('"action":"approval"');

async function startChat(world: World): Promise<WebhookReceiver> {
  const chat = await receiveWebhooks();
  onTestFinished(() => chat.close());
  await world.alert({ provider: { address: chat.url } });
  await world.alert({ provider: { address: chat.url }, alert: { audit: {} } });
  return chat;
}

async function startChartWorld(): Promise<World> {
  const cluster = await testCluster();
  const kubeconfigPath = await accountOfChart(cluster, 'notification-controller', [
    'approvals.webhookAccounts=["chat"]',
  ]);
  const world = await startWorld({ cluster: { client: cluster.client, kubeconfigPath } });
  onTestFinished(() => world.end());
  return world;
}

test('a plan is approved from the chat, with the rights and the policies of the charts', async () => {
  const world = await startChartWorld();
  const { client, namespace } = world;
  await verifyUsers(world);
  const chat = await startChat(world);
  const path = await receiverFor(world, 'chat');
  const otherPath = await receiverFor(world, 'other');
  await startDelivery(world);
  const event = JSON.parse((await chat.waitFor(isEvent, { timeoutMs: 60_000 })).body) as FluxEvent;

  // The charts let notification-controller be no other account than those that they name.
  expect(await pressButton(world, otherPath, event)).toMatchObject({ status: 403 });
  const other = await until<Receiver>(
    client,
    receivers,
    { namespace, name: 'other' },
    ({ status }) => status?.lastCall?.result === 'Refused',
  );
  expect(other.status?.lastCall?.reason).toContain('cannot impersonate');
  expect((await client.list(approvals, { namespace })).items).toEqual([]);

  expect(await pressButton(world, path, event)).toMatchObject({ status: 200 });
  const shop = { namespace, name: 'shop' };
  const applied = await until<Kustomization>(client, kustomizations, shop, isReady);
  expect(applied.status?.change?.plan).toBe(event.metadata?.['plan']);
  await client.get(coreResources.configMaps, { namespace, name: 'approved' });
  const { items } = await client.list<Approval>(approvals, { namespace });
  const user = `system:serviceaccount:${namespace}:chat`;
  const reason = `Receiver ${namespace}/chat claims that "jane" decides: CHG-1`;
  expect(items.map(({ spec }) => [spec.user, spec.reason])).toEqual([[user, reason]]);

  const record = JSON.parse((await chat.waitFor(isRecord)).body) as AuditRecord;
  expect(record.who.users).toEqual([user]);
  expect(record.why).toMatchObject({
    approvals: [items[0]?.metadata.name],
    text: reason,
  });
  // The plan does not wait any more.
  expect(await pressButton(world, path, event)).toMatchObject({ status: 400 });
});
