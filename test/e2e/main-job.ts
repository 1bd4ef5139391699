import { createHmac } from 'node:crypto';
import type { GitRepository, KubeObject, Kustomization, Receiver } from '@sluice/shared/api';
import { gitRepositoryKind, kustomizationKind, receiverKind } from '@sluice/shared/api';
import { isNotFound, resourceOf } from '@sluice/shared/kube';
import { assertStatusContract, until, untilGone } from '@sluice/shared/testing';
import { expect } from 'vitest';
import { hmacKey, receiverToken, slackToken, type World } from './world.ts';

const namespace = 'platform';
const appNamespace = 'shop';
const key = { namespace, name: 'shop' };
const timeoutMs = 90_000;

const deployment = (image: string, replicas = 1) => `apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: ${appNamespace}
spec:
  replicas: ${replicas}
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec:
      containers:
        - name: web
          image: web:${image}
`;

const settings = `apiVersion: v1
kind: ConfigMap
metadata:
  name: settings
  namespace: ${appNamespace}
data:
  color: blue
`;

const namespaceYaml = `apiVersion: v1
kind: Namespace
metadata:
  name: ${appNamespace}
`;

const coreV1 = (kind: string) => ({ apiVersion: 'v1', kind });
const appsV1 = (kind: string) => ({ apiVersion: 'apps/v1', kind });

/** One step of the main job: what is done, and the state of the world that must follow. */
export interface Step {
  name: string;
  run(world: World): Promise<void>;
}

/** What a test learns while the steps run. */
export interface Progress {
  revisions: string[];
  badRevision: string;
}

/** The objects that exist before the first commit is noticed. */
export async function prepare(world: World): Promise<void> {
  await world.repo.commit({
    files: {
      'shop/namespace.yaml': namespaceYaml,
      'shop/deployment.yaml': deployment('1.0.0'),
      'shop/settings.yaml': settings,
    },
  });
  await world.apply({ ...coreV1('Namespace'), metadata: { name: namespace } });
  const secrets: Record<string, Record<string, string>> = {
    slack: { address: `${world.slack.url}/services/${slackToken}` },
    hmac: { address: `${world.hmac.url}/hmac`, token: hmacKey },
    receiver: { token: receiverToken },
  };
  for (const [name, stringData] of Object.entries(secrets)) {
    await world.apply({
      ...coreV1('Secret'),
      metadata: { namespace, name },
      stringData,
    } as KubeObject);
  }
  for (const [name, spec] of Object.entries({
    slack: { type: 'slack', channel: 'alerts', secretRef: { name: 'slack' } },
    hmac: { type: 'generic-hmac', secretRef: { name: 'hmac' } },
    alertmanager: { type: 'alertmanager', address: `${world.alertmanager.url}/api/v2/alerts/` },
  })) {
    const provider = {
      apiVersion: 'notification.toolkit.fluxcd.io/v1beta3',
      metadata: { namespace, name },
    };
    await world.apply({ ...provider, kind: 'Provider', spec } as KubeObject);
    const eventSources = [
      { kind: 'Kustomization', name: '*' },
      { kind: 'GitRepository', name: '*' },
    ];
    await world.apply({
      ...provider,
      kind: 'Alert',
      spec: { providerRef: { name }, eventSources },
    } as KubeObject);
  }
}

function gitRepository(world: World): KubeObject {
  return {
    apiVersion: 'source.toolkit.fluxcd.io/v1',
    kind: 'GitRepository',
    metadata: key,
    spec: { interval: '10m', url: world.git.url('shop'), ref: { branch: 'main' } },
  } as KubeObject;
}

const kustomization = {
  apiVersion: 'kustomize.toolkit.fluxcd.io/v1',
  kind: 'Kustomization',
  metadata: key,
  spec: {
    interval: '10m',
    retryInterval: '2s',
    timeout: '60s',
    prune: true,
    wait: true,
    path: './shop',
    sourceRef: { kind: 'GitRepository', name: 'shop' },
  },
} as KubeObject;

const receiver = {
  apiVersion: 'notification.toolkit.fluxcd.io/v1',
  kind: 'Receiver',
  metadata: key,
  spec: {
    type: 'github',
    events: ['push'],
    secretRef: { name: 'receiver' },
    resources: [{ kind: 'GitRepository', name: 'shop' }],
  },
} as KubeObject;

/** Tells the Receiver of a push, as GitHub does; tried again while the receiving process is away. */
export async function sendPush(world: World): Promise<void> {
  const ready = await until<Receiver>(
    world.client,
    resourceOf(receiverKind),
    key,
    (r) => isReady(r),
    { timeoutMs },
  );
  const body = JSON.stringify({ ref: 'refs/heads/main' });
  const signature = `sha256=${createHmac('sha256', receiverToken).update(body).digest('hex')}`;
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    try {
      const response = await fetch(`${world.controllers.receiverUrl}${ready.status?.webhookPath}`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'x-github-event': 'push',
          'x-hub-signature-256': signature,
        },
        body,
      });
      if (response.ok) return;
      if (Date.now() > deadline) throw new Error(`the Receiver answered ${response.status}`);
    } catch (error) {
      if (!(error instanceof TypeError) || Date.now() > deadline) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

function isReady(object: {
  metadata: { generation?: number };
  status?: { observedGeneration?: number; conditions?: { type: string; status: string }[] };
}): boolean {
  return (
    object.status?.observedGeneration === object.metadata.generation &&
    (object.status?.conditions ?? []).some((c) => c.type === 'Ready' && c.status === 'True')
  );
}

async function untilApplied(world: World, sha: string): Promise<Kustomization> {
  const applied = await until<Kustomization>(
    world.client,
    resourceOf(kustomizationKind),
    key,
    (k) => isReady(k) && (k.status?.lastAppliedRevision ?? '').endsWith(sha),
    { timeoutMs },
  );
  assertStatusContract(applied);
  return applied;
}

async function push(
  world: World,
  change: { files?: Record<string, string>; remove?: string[]; message: string },
): Promise<string> {
  const sha = await world.repo.commit(change);
  await sendPush(world);
  return sha;
}

async function live(
  world: World,
  of: { apiVersion: string; kind: string },
  name: string,
): Promise<KubeObject | undefined> {
  try {
    return await world.client.get(await world.resource(of), { namespace: appNamespace, name });
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

interface Workload extends KubeObject {
  spec: { replicas: number; template: { spec: { containers: { image: string }[] } } };
}

async function untilWorkload(
  world: World,
  predicate: (workload: Workload) => boolean,
): Promise<void> {
  await until<Workload>(
    world.client,
    await world.resource(appsV1('Deployment')),
    { namespace: appNamespace, name: 'web' },
    predicate,
    { timeoutMs },
  );
}

async function patchSuspend(world: World, suspend: boolean): Promise<void> {
  await world.client.patch(
    resourceOf(kustomizationKind),
    key,
    { spec: { suspend } },
    { type: 'merge' },
  );
}

/** The steps in order; `progress` is filled on the way. */
export function mainJob(progress: Progress): Step[] {
  return [
    {
      name: 'the first commit is applied and healthy',
      async run(world) {
        await world.apply(receiver);
        await world.apply(gitRepository(world));
        await world.apply(kustomization);
        const first = await world.repo.resolve('main');
        await untilApplied(world, first);
        await untilWorkload(
          world,
          (w) => w.spec.template.spec.containers[0]?.image === 'web:1.0.0',
        );
        progress.revisions.push(first);
      },
    },
    {
      name: 'a pushed commit is applied',
      async run(world) {
        const sha = await push(world, {
          files: { 'shop/deployment.yaml': deployment('1.1.0') },
          message: 'web 1.1.0',
        });
        await untilApplied(world, sha);
        await untilWorkload(
          world,
          (w) => w.spec.template.spec.containers[0]?.image === 'web:1.1.0',
        );
        progress.revisions.push(sha);
      },
    },
    {
      name: 'a bad commit fails with the reason and leaves the rest as it was',
      async run(world) {
        const sha = await push(world, {
          files: { 'shop/deployment.yaml': deployment('1.2.0', -1) },
          message: 'bad',
        });
        const failed = await until<Kustomization>(
          world.client,
          resourceOf(kustomizationKind),
          key,
          (k) =>
            (k.status?.lastAttemptedRevision ?? '').endsWith(sha) &&
            (k.status?.conditions ?? []).some((c) => c.type === 'Ready' && c.status === 'False'),
          { timeoutMs },
        );
        const ready = failed.status?.conditions?.find((c) => c.type === 'Ready');
        expect(ready?.message).toMatch(/Deployment\/shop\/web.*spec\.replicas/s);
        await untilWorkload(
          world,
          (w) => w.spec.template.spec.containers[0]?.image === 'web:1.1.0',
        );
        progress.badRevision = sha;
      },
    },
    {
      name: 'git revert makes it healthy again',
      async run(world) {
        const sha = await world.repo.revert();
        await sendPush(world);
        await untilApplied(world, sha);
        progress.revisions.push(sha);
      },
    },
    {
      name: 'a removed file is pruned',
      async run(world) {
        const sha = await push(world, { remove: ['shop/settings.yaml'], message: 'no settings' });
        await untilApplied(world, sha);
        expect(await live(world, coreV1('ConfigMap'), 'settings')).toBeUndefined();
        progress.revisions.push(sha);
      },
    },
    {
      name: 'an edit by hand is undone',
      async run(world) {
        const resource = await world.resource(appsV1('Deployment'));
        await world.client.patch(
          resource,
          { namespace: appNamespace, name: 'web' },
          { spec: { replicas: 3 } },
          { type: 'merge', fieldManager: 'kubectl-edit' },
        );
        await untilWorkload(world, (w) => w.spec.replicas === 1);
      },
    },
    {
      name: 'while suspended nothing is applied, and all of it after resuming',
      async run(world) {
        await patchSuspend(world, true);
        const sha = await push(world, {
          files: { 'shop/deployment.yaml': deployment('2.0.0') },
          message: 'web 2.0.0',
        });
        await until<GitRepository>(
          world.client,
          resourceOf(gitRepositoryKind),
          key,
          (g) => (g.status?.artifact?.revision ?? '').endsWith(sha),
          { timeoutMs },
        );
        expect(
          ((await live(world, appsV1('Deployment'), 'web')) as Workload).spec.template.spec
            .containers[0]?.image,
        ).toBe('web:1.1.0');
        await patchSuspend(world, false);
        await untilApplied(world, sha);
        await untilWorkload(
          world,
          (w) => w.spec.template.spec.containers[0]?.image === 'web:2.0.0',
        );
        progress.revisions.push(sha);
      },
    },
  ];
}

/** Deleting the Kustomization and the source leaves nothing behind. */
export async function deleteAll(world: World): Promise<void> {
  await world.client.delete(resourceOf(kustomizationKind), key);
  await untilGone(world.client, resourceOf(kustomizationKind), key, { timeoutMs });
  expect(await live(world, appsV1('Deployment'), 'web')).toBeUndefined();
  await world.client.delete(resourceOf(gitRepositoryKind), key);
  await untilGone(world.client, resourceOf(gitRepositoryKind), key, { timeoutMs });
}
