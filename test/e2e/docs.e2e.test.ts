import { join } from 'node:path';
import type { FluxEvent, GitRepository, KubeObject, Receiver } from '@sluice/shared/api';
import { gitRepositoryKind, receiverKind } from '@sluice/shared/api';
import { resourceOf } from '@sluice/shared/kube';
import { isReady } from '@sluice/shared/runtime';
import { startHelmServer, startRegistry, until } from '@sluice/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { examplesOf, isObject, pages } from '../../tools/test/docs/examples.ts';
import { readdressed } from './docs/addresses.ts';
import { publishGuides, shopFiles } from './docs/guides-fixture.ts';
import { onSecretsPage, prepareSecrets, reportStatus } from './docs/secrets-fixture.ts';
import {
  namespaceOf,
  objectsOfCluster,
  publishStructure,
  structures,
  workloadOf,
} from './docs/structures.ts';
import {
  getsReady,
  remove,
  requestReconcile,
  untilReady,
  untilReason,
  untilRemoved,
} from './docs/wait.ts';
import { slackTexts, startWorld, timeoutMs, type World } from './world.ts';

let world: World;
const started = new AsyncDisposableStack();
let addresses: Record<string, string>;

beforeAll(async () => {
  world = await startWorld();
  started.defer(() => world.stop());
  const charts = await startHelmServer();
  started.defer(() => charts.stop());
  const registry = await startRegistry();
  started.defer(() => registry.stop());
  addresses = {
    'https://git.example.com/shop.git': world.git.url('shop'),
    'https://git.example.com/': world.git.url('').replace('.git', ''),
    'https://charts.example.com': charts.url,
    'oci://registry.example.com': registry.ociUrl,
    'https://hooks.example.com': world.slack.url,
    'https://audit.example.com': world.hmac.url,
  };
  await publishGuides(world, { charts, registry });
  await world.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'flux-system' } });
});
afterAll(() => started.disposeAsync());

describe('the guides', () => {
  const guides = pages.filter((page) => page.startsWith(join('docs', 'guides')));
  const examples = guides.flatMap(examplesOf).filter(({ mark }) => mark === 'ready');
  const objects = () =>
    examples
      .flatMap(({ documents }) => documents.filter(isObject))
      .map((object) => readdressed(object, addresses));

  test('no two examples that are marked to get ready are of one object', () => {
    const ids = objects().map(({ kind, metadata }) => `${kind}/${metadata.name}`);
    expect(ids.filter((id, index) => ids.indexOf(id) !== index)).toEqual([]);
    expect(ids.length).toBeGreaterThan(20);
  });

  test('examples that are marked to get ready do', async () => {
    await Promise.all(objects().map((object) => world.apply(object)));
    await Promise.all(
      objects()
        .filter(getsReady)
        .map((object) => untilReady(world, object)),
    );
  }, 120_000);

  test('the Alert of the guide tells the chat', async () => {
    await world.slack.waitFor(
      () => slackTexts(world.slack).some((text) => text.includes('Deployment/shop/web created')),
      { timeoutMs },
    );
  }, 120_000);

  test('the webhook of the guide brings a commit in, and the Alert for failures its failure', async () => {
    const sha = await world.repo.commit({ files: { 'deploy/web.yaml': 'kind: broken' } });
    await world.client.patch(
      resourceOf(receiverKind),
      { namespace: 'flux-system', name: 'pipeline' },
      { spec: { resources: [{ kind: 'GitRepository', name: 'shop' }] } },
      { type: 'merge' },
    );
    const key = { namespace: 'flux-system', name: 'pipeline' };
    const { status } = await until<Receiver>(
      world.client,
      resourceOf(receiverKind),
      key,
      (r) => isReady(r),
      { timeoutMs },
    );
    const url = `${world.controllers.receiverUrl}${status?.webhookPath}`;
    await until<GitRepository>(
      world.client,
      resourceOf(gitRepositoryKind),
      { namespace: 'flux-system', name: 'shop' },
      isReady,
    );
    expect((await fetch(url, { method: 'POST' })).status).toBe(200);
    const events = () => world.hmac.requests.map(({ body }) => JSON.parse(body) as FluxEvent);
    await world.hmac.waitFor(
      () =>
        events().some(
          ({ involvedObject, metadata, message }) =>
            involvedObject.kind === 'Kustomization' &&
            metadata?.['revision']?.endsWith(sha) &&
            metadata?.['cluster'] === 'production' &&
            message.includes('deploy/web.yaml'),
        ),
      { timeoutMs },
    );
    expect(events().filter(({ severity }) => severity !== 'error')).toEqual([]);
    await world.repo.commit({ files: shopFiles });
    expect((await fetch(url, { method: 'POST' })).status).toBe(200);
  }, 120_000);
});

describe('the repository structures', () => {
  // Each in a namespace of its own instead of flux-system, so that they do not wait for each other.
  test.concurrent.for(structures)(
    '$name: each cluster gets ready, and goes as a whole',
    { timeout: 120_000 },
    async (structure) => {
      const moved = await publishStructure(world, structure);
      for (const [cluster, expected] of Object.entries(structure.clusters)) {
        const { sync, ours } = await objectsOfCluster(structure, cluster, moved);
        await untilRemoved(world, namespaceOf(structure));
        for (const object of sync) await world.apply(object);
        for (const object of ours) await untilReady(world, object);
        expect(await workloadOf(world, structure)).toEqual(expected);
        for (const object of sync.toReversed()) await remove(world, object);
        for (const object of ours) await untilRemoved(world, object);
      }
    },
  );
});

describe('the page on secrets', () => {
  const sealed = onSecretsPage('SealedSecret', 'database');
  const external = onSecretsPage('ExternalSecret', 'api');
  const names = ['sealed-secrets', 'external-secrets', 'shop-with-secrets'];
  const kustomizations = names.map((name) => onSecretsPage('Kustomization', name));
  const [ofSealed, ofExternal, app] = kustomizations as [KubeObject, KubeObject, KubeObject];

  beforeAll(() => prepareSecrets(world));

  test('an account that is bound to admin needs the rights of the page', async () => {
    for (const object of kustomizations) await world.apply(object);
    await untilReason(world, ofSealed, 'ReconciliationFailed', 'sealedsecrets');
    await world.apply(onSecretsPage('ClusterRole', 'deploy-secret-definitions'));
  }, 120_000);

  test('an app waits until its Secrets are made, and a failure shows until it is over', async () => {
    await requestReconcile(world, ofSealed, ofExternal);
    await reportStatus(world, sealed, { type: 'Synced', status: 'False' });
    await untilReason(world, ofSealed, 'HealthCheckFailed', 'SealedSecret');
    await reportStatus(world, sealed, { type: 'Synced', status: 'True' });
    await untilReady(world, ofSealed);
    await untilReason(world, app, 'DependencyNotReady', 'external-secrets');
    await reportStatus(world, onSecretsPage('SecretStore', 'vault'), ready);
    await reportStatus(world, external, ready);
    await untilReady(world, ofExternal);
    await untilReady(world, app);
  }, 120_000);

  test('definitions that leave Git are deleted', async () => {
    for (const object of [app, ofSealed, ofExternal]) await remove(world, object);
    for (const object of [sealed, external]) await untilRemoved(world, object);
  }, 120_000);
});

const ready = { type: 'Ready', status: 'True' } as const;
