import { createHmac, randomBytes } from 'node:crypto';
import { request } from 'node:http';
import {
  gitRepositoryKind,
  type KubeObject,
  type Receiver,
  receiverKind,
  reconcileRequestAnnotation,
} from '@sluice/shared/api';
import { coreResources, resourceOf } from '@sluice/shared/kube';
import {
  assertStatusContract,
  receiveWebhooks,
  testNamespace,
  until,
  untilGone,
} from '@sluice/testing';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { webhookPath } from '../../src/receiver/webhook-path.ts';
import { startWorld, type World } from '../world.ts';

let world: World;

beforeAll(async () => {
  world = await startWorld();
});

afterAll(() => world.end());

const receivers = resourceOf(receiverKind);
const repositories = resourceOf(gitRepositoryKind);
const unique = () => `r${randomBytes(4).toString('hex')}`;
const token = 'webhook-canary';

/** Requests of a method that the controller has sent to the API server. */
async function requests(method: string): Promise<number> {
  const { metricsUrl } = world.controllers.processes['notification-controller'];
  const text = await (await fetch(metricsUrl)).text();
  return text
    .split('\n')
    .filter((line) => line.startsWith('rest_client_requests_total{') && line.includes(method))
    .reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}

async function createSecret(
  name: string,
  data: Record<string, string>,
  namespace = world.namespace,
): Promise<void> {
  await world.client.create(coreResources.secrets, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name,
      namespace,
      labels: { 'reconcile.fluxcd.io/watch': 'Enabled' },
    },
    stringData: data,
  } as KubeObject);
}

async function createReceiver(
  spec: Partial<Receiver['spec']>,
  namespace = world.namespace,
): Promise<string> {
  const name = unique();
  await createSecret(name, { token }, namespace);
  await world.client.create<KubeObject & Pick<Receiver, 'spec'>>(receivers, {
    apiVersion: 'notification.toolkit.fluxcd.io/v1',
    kind: 'Receiver',
    metadata: { name, namespace },
    spec: { type: 'generic', secretRef: { name }, resources: [], ...spec },
  });
  return name;
}

const keyOf = (name: string) => ({ namespace: world.namespace, name });
const ready = (status: 'True' | 'False', reason: string) => (receiver: Receiver) =>
  receiver.status?.conditions?.some(
    (c) => c.type === 'Ready' && c.status === status && c.reason === reason,
  ) ?? false;
const untilReceiver = (
  name: string,
  predicate: (receiver: Receiver) => boolean,
  namespace = world.namespace,
) => until<Receiver>(world.client, receivers, { namespace, name }, predicate);

async function createRepository(labels: Record<string, string> = {}): Promise<string> {
  const name = unique();
  await world.client.create(repositories, {
    apiVersion: 'source.toolkit.fluxcd.io/v1',
    kind: 'GitRepository',
    metadata: { name, namespace: world.namespace, labels },
    spec: { interval: '1h', url: 'https://git.example.org/x', suspend: true },
  } as KubeObject);
  return name;
}

async function isRequested(name: string): Promise<boolean> {
  const { metadata } = await world.client.get(repositories, keyOf(name));
  return metadata.annotations?.[reconcileRequestAnnotation] !== undefined;
}

/** Calls a path; while the status is one of `unless`, the server has not seen the receiver yet, and is asked again. */
async function call(
  path: string,
  o: { headers?: Record<string, string>; body?: string; unless?: number[] } = {},
): Promise<number> {
  for (;;) {
    const response = await fetch(`${world.controllers.receiverUrl}${path}`, {
      method: 'POST',
      body: o.body ?? '{}',
      headers: o.headers,
    });
    await response.body?.cancel();
    if (!o.unless?.includes(response.status)) return response.status;
  }
}

describe('a receiver', () => {
  test('is Ready with the path made of its token', async () => {
    const name = await createReceiver({});
    const receiver = await untilReceiver(name, ready('True', 'Succeeded'));
    assertStatusContract(receiver);
    const path = webhookPath(token, name, world.namespace);
    expect(receiver.status?.webhookPath).toBe(path);
    expect(receiver.status?.observedGeneration).toBe(receiver.metadata.generation);
  });

  test('is not Ready without its Secret, says which, and is as soon as it is there', async () => {
    const name = await createReceiver({ secretRef: { name: 'later' } });
    const receiver = await untilReceiver(name, ready('False', 'TokenNotFound'));
    assertStatusContract(receiver);
    expect(JSON.stringify(receiver.status)).toContain(`${world.namespace}/later`);
    await createSecret('later', { token });
    await untilReceiver(name, ready('True', 'Succeeded'));
  });

  test('gets a new path with a new token', async () => {
    const name = await createReceiver({});
    await untilReceiver(name, ready('True', 'Succeeded'));
    await world.client.patch(
      coreResources.secrets,
      keyOf(name),
      { stringData: { token: 'rotated' } },
      { type: 'merge' },
    );
    const path = webhookPath('rotated', name, world.namespace);
    await untilReceiver(name, (receiver) => receiver.status?.webhookPath === path);
  });

  test.each<{ name: string; spec: Partial<Receiver['spec']>; reason: string; field: string }>([
    {
      name: 'a filter that cannot be read',
      spec: { resourceFilter: 'req.' },
      reason: 'InvalidCELExpression',
      field: 'spec.resourceFilter',
    },
    {
      name: 'a validation of claims that yields no boolean',
      spec: {
        type: 'generic-oidc',
        secretRef: undefined,
        oidcProviders: [
          {
            issuerURL: 'https://issuer.example.org',
            validations: [{ expression: '1', message: 'none' }],
          },
        ],
      },
      reason: 'InvalidCELExpression',
      field: 'spec.oidcProviders[0].validations[0]',
    },
    {
      name: 'more entries than it may have',
      spec: {
        resources: Array.from({ length: 1001 }, (_, i) => ({
          kind: 'GitRepository' as const,
          name: `r${i}`,
        })),
      },
      reason: 'ValidationFailed',
      field: 'spec.resources has 1001 entries, more than 1000',
    },
  ])('with $name is stalled', async ({ spec, reason, field }) => {
    const name = await createReceiver(spec);
    const receiver = await untilReceiver(name, ready('False', reason));
    assertStatusContract(receiver);
    const stalled = receiver.status?.conditions?.find((c) => c.type === 'Stalled');
    expect(stalled).toMatchObject({ status: 'True', message: expect.stringContaining(field) });
  });

  test('can be deleted', async () => {
    const name = await createReceiver({});
    await untilReceiver(name, ready('True', 'Succeeded'));
    await world.client.delete(receivers, keyOf(name));
    await untilGone(world.client, receivers, keyOf(name));
  });
});

describe('a webhook', () => {
  test('of type generic asks for a reconciliation of a named object', async () => {
    const repository = await createRepository();
    const name = await createReceiver({ resources: [{ kind: 'GitRepository', name: repository }] });
    await untilReceiver(name, ready('True', 'Succeeded'));
    const path = webhookPath(token, name, world.namespace);
    expect(await call(path, { unless: [404, 503] })).toBe(200);
    expect(await isRequested(repository)).toBe(true);
  });

  test('asks all objects with the labels, and no others', async () => {
    const labels = { app: unique() };
    const [chosen, chosenToo, other] = [
      await createRepository(labels),
      await createRepository(labels),
      await createRepository(),
    ];
    const name = await createReceiver({
      resources: [{ kind: 'GitRepository', name: '*', matchLabels: labels }],
    });
    await untilReceiver(name, ready('True', 'Succeeded'));
    const path = webhookPath(token, name, world.namespace);
    expect(await call(path, { unless: [404, 503] })).toBe(200);
    expect(await isRequested(chosen)).toBe(true);
    expect(await isRequested(chosenToo)).toBe(true);
    expect(await isRequested(other)).toBe(false);
  });

  test('of type github needs its signature and a wanted event', async () => {
    const repository = await createRepository();
    const name = await createReceiver({
      type: 'github',
      events: ['push'],
      resources: [{ kind: 'GitRepository', name: repository }],
    });
    await untilReceiver(name, ready('True', 'Succeeded'));
    const path = webhookPath(token, name, world.namespace);
    const body = '{"ref":"refs/heads/main"}';
    const signed = (event: string, key = token) => ({
      'content-type': 'application/json',
      'x-github-event': event,
      'x-hub-signature-256': `sha256=${createHmac('sha256', key).update(body).digest('hex')}`,
    });
    const unless = [404, 503];
    expect(await call(path, { body, headers: signed('push', 'wrong'), unless })).toBe(400);
    expect(await call(path, { body })).toBe(400);
    expect(await call(path, { body, headers: signed('issues') })).toBe(400);
    expect(await call(path, { body, headers: signed('ping') })).toBe(200);
    expect(await isRequested(repository)).toBe(false);
    expect(await call(path, { body, headers: signed('push') })).toBe(200);
    expect(await isRequested(repository)).toBe(true);
  });

  test('of type gitlab needs its token and a wanted event', async () => {
    const repository = await createRepository();
    const name = await createReceiver({
      type: 'gitlab',
      events: ['Push Hook'],
      resources: [{ kind: 'GitRepository', name: repository }],
    });
    await untilReceiver(name, ready('True', 'Succeeded'));
    const path = webhookPath(token, name, world.namespace);
    const headers = { 'x-gitlab-token': token, 'x-gitlab-event': 'Push Hook' };
    const unless = [404, 503];
    expect(await call(path, { headers: { ...headers, 'x-gitlab-token': 'no' }, unless })).toBe(400);
    expect(await call(path, { headers: { ...headers, 'x-gitlab-event': 'Note Hook' } })).toBe(400);
    expect(await isRequested(repository)).toBe(false);
    expect(await call(path, { headers })).toBe(200);
    expect(await isRequested(repository)).toBe(true);
  });

  test('asks only for the objects that the filters accept', async () => {
    const labels = { app: unique() };
    const [main, other] = [
      await createRepository({ ...labels, branch: 'main' }),
      await createRepository({ ...labels, branch: 'other' }),
    ];
    const named = await createRepository({ branch: 'main' });
    const kept = await createRepository({ branch: 'main' });
    const name = await createReceiver({
      resourceFilter: "req.ref == 'refs/heads/' + res.metadata.labels.branch",
      resources: [
        { kind: 'GitRepository', name: '*', matchLabels: labels },
        { kind: 'GitRepository', name: named, filter: "res.kind == 'GitRepository'" },
        { kind: 'GitRepository', name: kept, filter: 'req.deleted' },
      ],
    });
    await untilReceiver(name, ready('True', 'Succeeded'));
    const path = webhookPath(token, name, world.namespace);
    const headers = { 'content-type': 'application/json' };
    const body = '{"ref":"refs/heads/main","deleted":false}';
    expect(await call(path, { body, headers, unless: [404, 503] })).toBe(200);
    expect(await isRequested(main)).toBe(true);
    expect(await isRequested(named)).toBe(true);
    expect(await isRequested(other)).toBe(false);
    expect(await isRequested(kept)).toBe(false);
    // A body without the fields that the filters look at.
    expect(await call(path, { body: '{}', headers })).toBe(500);
    expect(await call(path, { body: 'x', headers })).toBe(400);
  });

  test('of type generic-oidc needs a token of its issuer, and no Secret', async () => {
    const { publicKey, privateKey } = await generateKeyPair('ES256');
    const issuer = await receiveWebhooks();
    try {
      const keys = [{ ...(await exportJWK(publicKey)), kid: 'k' }];
      issuer.respond(({ path }) => {
        const said =
          path === '/keys' ? { keys } : { issuer: issuer.url, jwks_uri: `${issuer.url}/keys` };
        return { status: 200, body: JSON.stringify(said) };
      });
      const tokenOf = (sub: string) =>
        new SignJWT({ sub })
          .setProtectedHeader({ alg: 'ES256', kid: 'k' })
          .setIssuer(issuer.url)
          .setAudience('notification-controller')
          .setExpirationTime('10m')
          .sign(privateKey);
      const repository = await createRepository();
      const name = await createReceiver({
        type: 'generic-oidc',
        secretRef: undefined,
        oidcProviders: [
          {
            issuerURL: issuer.url,
            validations: [{ expression: "claims.sub == 'shop'", message: 'not the shop' }],
          },
        ],
        resources: [{ kind: 'GitRepository', name: repository, filter: "claims.sub == 'shop'" }],
      });
      const receiver = await untilReceiver(name, ready('True', 'Succeeded'));
      assertStatusContract(receiver);
      const path = webhookPath('', name, world.namespace);
      expect(receiver.status?.webhookPath).toBe(path);
      const headers = async (sub: string) => ({ authorization: `Bearer ${await tokenOf(sub)}` });
      expect(await call(path, { unless: [404, 503] })).toBe(400);
      expect(await call(path, { headers: await headers('other') })).toBe(400);
      expect(await isRequested(repository)).toBe(false);
      expect(await call(path, { headers: await headers('shop') })).toBe(200);
      expect(await isRequested(repository)).toBe(true);
    } finally {
      await issuer.close();
    }
  });

  test('for an object that is missing is answered 500, and the others are asked', async () => {
    const repository = await createRepository();
    const name = await createReceiver({
      resources: [
        { kind: 'GitRepository', name: 'missing' },
        { kind: 'GitRepository', name: repository },
      ],
    });
    await untilReceiver(name, ready('True', 'Succeeded'));
    const path = webhookPath(token, name, world.namespace);
    expect(await call(path, { unless: [404, 503] })).toBe(500);
    expect(await isRequested(repository)).toBe(true);
  });

  test('is answered while a flood of webhooks asks for the objects of another namespace', async () => {
    const resources = Array.from({ length: 1000 }, (_, i) => ({
      kind: 'GitRepository' as const,
      name: `missing-${i}`,
    }));
    const namespace = await testNamespace(world.client, 'greedy');
    const greedy = await createReceiver({ resources }, namespace);
    const repository = await createRepository();
    const modest = await createReceiver({
      resources: [{ kind: 'GitRepository', name: repository }],
    });
    await untilReceiver(greedy, ready('True', 'Succeeded'), namespace);
    await untilReceiver(modest, ready('True', 'Succeeded'));
    const path = webhookPath(token, modest, world.namespace);
    expect(await call(path, { unless: [404, 503] })).toBe(200);
    let left = 40;
    const before = await requests('PATCH');
    const flood = Array.from({ length: left }, async () => {
      const floodPath = webhookPath(token, greedy, namespace);
      expect(await call(floodPath, { unless: [404, 503] })).toBe(500);
      left--;
    });
    expect(await call(path)).toBe(200);
    expect(left).toBeGreaterThan(0);
    await Promise.all(flood);
    // Those that came while one ran shared the next one.
    expect((await requests('PATCH')) - before).toBeLessThan(4 * resources.length);
  });

  test('to a suspended receiver is answered 503', async () => {
    const name = await createReceiver({});
    await untilReceiver(name, ready('True', 'Succeeded'));
    await world.client.patch(
      receivers,
      keyOf(name),
      { spec: { suspend: true } },
      { type: 'merge' },
    );
    const path = webhookPath(token, name, world.namespace);
    expect(await call(path, { unless: [404, 200] })).toBe(503);
  });

  test.each([
    { name: 'an unknown path', path: '/hook/00', body: '{}', want: 404 },
    { name: 'another path', path: '/', body: '{}', want: 404 },
    { name: 'more than 3 MiB', path: '/hook/00', body: 'x'.repeat(3 * 1024 * 1024 + 1), want: 413 },
  ])('to $name is answered $want', async ({ path, body, want }) => {
    expect(await call(path, { body })).toBe(want);
  });

  test('that never ends is cut off at 3 MiB', async () => {
    const url = `${world.controllers.receiverUrl}/hook/00`;
    const status = await new Promise<number>((resolve, reject) => {
      const endless = request(url, { method: 'POST' }, (response) => {
        endless.destroy();
        resolve(response.statusCode ?? 0);
      });
      endless.on('error', reject);
      const chunk = Buffer.alloc(256 * 1024);
      const more = () => {
        while (!endless.destroyed && endless.write(chunk));
      };
      endless.on('drain', more);
      more();
    });
    expect(status).toBe(413);
  });
});

test('no log line holds the token', async () => {
  const text = JSON.stringify(await world.controllers.processes['notification-controller'].log());
  expect(text).toContain('A webhook is refused');
  expect(text).not.toContain(token);
});
