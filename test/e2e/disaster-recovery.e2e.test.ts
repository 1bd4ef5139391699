import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type {
  FluxEvent,
  GitRepository as GitRepositoryObject,
  KubeObject,
  Kustomization,
  Receiver,
} from '@sluice/shared/api';
import { isNotFound } from '@sluice/shared/kube';
import {
  type GitRepository,
  type GitServer,
  receiveWebhooks,
  startGitServer,
  startNats,
  type WebhookReceiver,
} from '@sluice/testing';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { getsReady, requestReconcile, untilReady } from './docs/wait.ts';
import { appsV1, coreV1 } from './objects.ts';
import { restoreSnapshot, takeSnapshot } from './recovery/etcd.ts';
import { type Installation, install } from './recovery/installation.ts';
import {
  laterCommit,
  moreSettings,
  namespace,
  objectsIn,
  repositoryFiles,
  secretsOutsideOfGit,
} from './recovery/repository.ts';
import { timeoutMs } from './world.ts';

// What docs/disaster-recovery.md describes: each way to lose something, and what brings it back.
const key = 'of-the-signatures';
const started = new AsyncDisposableStack();
let git: GitServer;
let repo: GitRepository;
let audit: WebhookReceiver;
let files: Record<string, string>;
let installed: Installation;

beforeAll(async () => {
  git = await startGitServer();
  started.defer(() => git.stop());
  audit = await receiveWebhooks();
  started.defer(() => audit.close());
  started.defer(() => installed?.destroy());
  files = repositoryFiles(git.url('platform'));
  repo = await git.createRepo('platform', files);
  installed = await install();
});
afterAll(() => started.disposeAsync());

/** What a person does in an empty cluster: the namespace, what Git cannot hold, and the entry to the repository. */
async function bootstrap(): Promise<void> {
  await installed.apply({ ...coreV1('Namespace'), metadata: { name: namespace } });
  for (const secret of secretsOutsideOfGit(audit.url, key)) await installed.apply(secret);
  for (const object of objectsIn(files, 'cluster/sync.yaml')) await installed.apply(object);
}

const described = () =>
  ['cluster/sync.yaml', 'cluster/all.yaml']
    .flatMap((path) => objectsIn(files, path))
    .filter(getsReady);

const sources = () => described().filter(({ kind }) => kind === 'GitRepository');

/** Waits until everything that the repository describes is Ready, of its last commit. */
async function untilAllReady(): Promise<void> {
  const head = await repo.resolve('main');
  for (const object of described()) {
    await untilReady(installed, object, (seen) => isOf(head, seen));
  }
}

function isOf(head: string, { kind, status }: KubeObject & { status?: Record<string, unknown> }) {
  if (kind === 'Kustomization') return String(status?.['lastAppliedRevision']).endsWith(head);
  if (kind === 'GitRepository') return JSON.stringify(status?.['artifact']).includes(head);
  return true;
}

async function live<T extends KubeObject>(
  of: { apiVersion: string; kind: string },
  name: string,
  inNamespace = 'shop',
): Promise<T | undefined> {
  try {
    const resource = await installed.resource(of);
    return await installed.client.get<T>(resource, { namespace: inNamespace, name });
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

const uidOfWeb = async () => (await live(appsV1('Deployment'), 'web'))?.metadata.uid;
const webhookPath = async () => {
  const of = { apiVersion: 'notification.toolkit.fluxcd.io/v1', kind: 'Receiver' };
  return (await live<Receiver>(of, 'platform', namespace))?.status?.webhookPath;
};

function announced(head: string): Promise<unknown> {
  const events = () => audit.requests.map(({ body }) => JSON.parse(body) as FluxEvent);
  const isIt = ({ involvedObject, metadata }: FluxEvent) =>
    involvedObject.name === 'apps' && metadata?.['revision']?.endsWith(head);
  return audit.waitFor(() => events().some(isIt), { timeoutMs });
}

async function restartControllers(whileDown: () => Promise<void>): Promise<void> {
  const processes = Object.values(installed.controllers.processes);
  await Promise.all(processes.map((process) => process.kill()));
  await whileDown();
  await Promise.all(processes.map((process) => process.start()));
}

/** Prints how long something took, for the page. */
async function timed(what: string, run: () => Promise<void>): Promise<void> {
  const startedAt = performance.now();
  await run();
  console.info(`${what}: ${((performance.now() - startedAt) / 1000).toFixed(1)} s`);
}

test('an empty cluster gets ready from the repository', async () => {
  await timed('first installation, until all is Ready', async () => {
    await bootstrap();
    await untilAllReady();
  });
  await announced(await repo.resolve('main'));
}, 120_000);

test('lost storage of source-controller is filled again, and nothing is applied anew', async () => {
  const of = { apiVersion: 'source.toolkit.fluxcd.io/v1', kind: 'GitRepository' };
  const before = await live<GitRepositoryObject>(of, 'platform', namespace);
  const web = await live(appsV1('Deployment'), 'web');
  const source = installed.controllers.processes['source-controller'];
  await source.kill();
  await rm(join(installed.dir, 'source-controller', 'data'), { recursive: true });
  await timed('lost storage, until the artifact is there again', async () => {
    await source.start();
    await vi.waitFor(
      async () => {
        const reply = await fetch(before?.status?.artifact?.url ?? '');
        const bytes = Buffer.from(await reply.arrayBuffer());
        const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
        expect(digest).toBe(before?.status?.artifact?.digest);
      },
      { timeout: timeoutMs, interval: 50 },
    );
  });
  await untilAllReady();
  expect((await live(appsV1('Deployment'), 'web'))?.metadata).toEqual(web?.metadata);
}, 120_000);

test('a NATS server that comes back empty carries alerts again', async () => {
  const { port } = installed.nats;
  await installed.nats.stop();
  const empty = await startNats({ port });
  started.defer(() => empty.stop());
  const head = await repo.commit({ files: { 'apps/more.yaml': moreSettings } });
  await requestReconcile(installed, ...sources());
  await untilAllReady();
  await announced(head);
}, 120_000);

test('an older etcd catches up with Git: what left is pruned, what came is created, the rest stays', async () => {
  await takeSnapshot(installed);
  const uid = await uidOfWeb();
  await repo.commit(laterCommit());
  await requestReconcile(installed, ...sources());
  await untilAllReady();
  await vi.waitFor(async () => expect(await releasedVersion()).toBe('1.1.0'), {
    timeout: timeoutMs,
  });

  await restartControllers(() => restoreSnapshot(installed));
  await timed('etcd restored from an older snapshot, until all is Ready', untilAllReady);
  await vi.waitFor(async () => expect(await releasedVersion()).toBe('1.1.0'), {
    timeout: timeoutMs,
  });
  expect(await live(coreV1('ConfigMap'), 'leaves')).toBeUndefined();
  expect(await live(coreV1('ConfigMap'), 'comes')).toBeDefined();
  const moved = await live(coreV1('ConfigMap'), 'moves');
  expect(moved?.metadata.labels?.['kustomize.toolkit.fluxcd.io/name']).toBe('infrastructure');
  expect(await uidOfWeb()).toBe(uid);
}, 120_000);

async function releasedVersion(): Promise<string | undefined> {
  const config = await live<KubeObject & { data?: { version?: string } }>(
    coreV1('ConfigMap'),
    'release',
  );
  return config?.data?.version;
}

test('a cluster that is lost with everything comes back from Git', async () => {
  const path = await webhookPath();
  await installed.destroy();
  const requests = audit.requests.length;
  installed = await install();
  await timed('everything lost, from an empty cluster until all is Ready', async () => {
    await bootstrap();
    await untilAllReady();
  });
  expect(await releasedVersion()).toBe('1.1.0');
  // Its definition may have come after the client of this test asked for the kinds.
  installed.client.mapper.invalidate();
  expect(await live({ apiVersion: 'example.com/v1', kind: 'Shelf' }, 'books')).toBeDefined();
  expect(await webhookPath()).toBe(path);
  const events = () => audit.requests.slice(requests).map(({ body }) => JSON.parse(body));
  await audit.waitFor(() => events().some(({ involvedObject }) => involvedObject.name === 'apps'), {
    timeoutMs,
  });
}, 120_000);

test('without its inventory, a Kustomization finds its objects again and deletes none', async () => {
  const uid = await uidOfWeb();
  const controller = installed.controllers.processes['kustomize-controller'];
  await controller.kill();
  const apps = described().find(({ metadata }) => metadata.name === 'apps') as KubeObject;
  const status = { inventory: null, lastAppliedRevision: null, history: null };
  const resource = await installed.resource(apps);
  const options = { type: 'merge', subresource: 'status' } as const;
  await installed.client.patch(resource, apps.metadata, { status }, options);
  await repo.commit({ remove: ['apps/comes.yaml'] });
  await requestReconcile(installed, ...sources());
  await controller.start();
  await untilAllReady();
  const { inventory } =
    (await installed.client.get<Kustomization>(resource, apps.metadata)).status ?? {};
  const ids = inventory?.entries.map(({ id }) => id);
  expect(ids).toContain('shop_web_apps_Deployment');
  expect(ids).not.toContain('shop_comes__ConfigMap');
  expect(await live(coreV1('ConfigMap'), 'comes')).toBeDefined();
  expect(await uidOfWeb()).toBe(uid);
}, 120_000);
