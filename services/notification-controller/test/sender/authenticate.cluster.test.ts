import { writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import type { FluxEvent, KubeObject } from '@sluice/shared/api';
import { createLogger } from '@sluice/shared/base';
import { createHttpEventSink } from '@sluice/shared/bus';
import { coreResources, type KubeClient } from '@sluice/shared/kube';
import { createTokenReviewer } from '@sluice/shared/runtime';
import {
  receiveWebhooks,
  temporaryFolder,
  testCluster,
  testNamespace,
  type WebhookReceiver,
} from '@sluice/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { startWorld, uniqueEvent, type World } from '../world.ts';

const audience = 'events.example.com';

let client: KubeClient;
let namespace: string;
let world: World;
let service: WebhookReceiver;
/** One token for all tests: an address may have few unknown ones reviewed at once. */
let good: string;

beforeAll(async () => {
  ({ client } = await testCluster());
  namespace = await testNamespace(client, 'senders');
  for (const name of ['sender', 'stranger', 'short-lived']) {
    const metadata = { name, namespace };
    const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata };
    await client.create<KubeObject>(coreResources.serviceAccounts, account);
  }
  good = await tokenOf('sender');
  const senders = ['sender', 'short-lived'].map((name) => `${namespace}:${name}`);
  world = await startWorld({
    nats: false,
    args: [
      '--event-authentication=token',
      `--event-audience=${audience}`,
      `--event-senders=${senders}`,
    ],
  });
});

afterAll(() => world.end());

beforeEach(async () => {
  service = await receiveWebhooks();
  await world.alert({ provider: { address: service.url } });
});

afterEach(async () => {
  await world.clear();
  await service.close();
});

/** A token of an account of the namespace, as the kubelet gets one. */
async function tokenOf(name: string, audiences: string[] = [audience]): Promise<string> {
  const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`;
  const body = {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    spec: { audiences, expirationSeconds: 600 },
  };
  const answer = (await client.request('POST', path, { body })) as { status: { token: string } };
  return answer.status.token;
}

interface Sent {
  status: number;
  challenge?: string;
  message: string;
}

/** Posts an event with a token, from an address of this machine. */
function send(token?: string, localAddress = '127.0.0.1'): Promise<Sent> {
  const event = uniqueEvent(world.namespace);
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  return new Promise((resolve, reject) => {
    const url = `${world.controllers.eventsUrl}/`;
    const outgoing = request(url, { method: 'POST', headers, localAddress }, (response) => {
      response.resume();
      const challenge = response.headers['www-authenticate'];
      const status = response.statusCode ?? 0;
      resolve({ status, ...(challenge && { challenge }), message: event.message });
    });
    outgoing.on('error', reject).end(JSON.stringify(event));
  });
}

const about = (message: string) => (received: { body: string }) => received.body.includes(message);

/** A value of the controller's metrics; 0 when there is none yet. */
async function metric(pattern: RegExp): Promise<number> {
  const { metricsUrl } = world.controllers.processes['notification-controller'];
  const text = await (await fetch(metricsUrl)).text();
  return Number(
    text
      .split('\n')
      .find((line) => pattern.test(line))
      ?.split(' ')
      .at(-1) ?? 0,
  );
}

/** A token of the right form for the right account, which nobody has signed. */
const forged = (token: string, n: number) =>
  `${token.slice(0, token.lastIndexOf('.'))}.${Buffer.from(`forged ${n}`).toString('base64url')}`;

describe('an event over HTTP', () => {
  test('of an account that may send is delivered', async () => {
    const sent = await send(good);
    expect(sent).toEqual({ status: 202, message: sent.message });
    await service.waitFor(about(sent.message));
  });

  const invalid = 'Bearer error="invalid_token"';
  test.each([
    { name: 'no token', token: async () => undefined, status: 401, challenge: 'Bearer' },
    { name: 'garbage', token: async () => 'garbage', status: 401, challenge: 'Bearer' },
    { name: 'garbage of its form', token: async () => 'a.b.c', status: 401, challenge: invalid },
    {
      name: 'a forged token',
      token: async () => forged(good, 0),
      status: 401,
      challenge: invalid,
    },
    {
      name: 'a token for the API server',
      token: () => tokenOf('sender', []),
      status: 401,
      challenge: invalid,
    },
    {
      name: 'a token for another audience',
      token: () => tokenOf('sender', ['other.example.com']),
      status: 401,
      challenge: invalid,
    },
    {
      name: 'the token of an account that was deleted',
      token: async () => {
        const token = await tokenOf('short-lived');
        const probes = await Promise.all(Array.from({ length: 40 }, () => tokenOf('short-lived')));
        await client.delete(coreResources.serviceAccounts, { namespace, name: 'short-lived' });
        // The API server hears of it a little later, and remembers for a while which tokens it has accepted.
        const review = createTokenReviewer(client, audience);
        await vi.waitUntil(async () => (await review(probes.pop() ?? '')).user === undefined, {
          timeout: 1900,
        });
        return token;
      },
      status: 401,
      challenge: invalid,
    },
    { name: 'the token of another account', token: () => tokenOf('stranger'), status: 403 },
  ])('with $name is refused with $status', async ({ token, status, challenge }) => {
    const refused = await send(await token());
    expect(refused).toMatchObject({ status });
    expect(refused.challenge).toBe(challenge);
    // What the sender posts afterwards is delivered, and nothing else is.
    const accepted = await send(good);
    expect(accepted.status).toBe(202);
    await service.waitFor(about(accepted.message));
    expect(service.requests.filter(about(refused.message))).toEqual([]);
  });

  test('is delivered among a flood of forged tokens, of which few are reviewed', async () => {
    expect((await send(good)).status).toBe(202);
    const fresh = await tokenOf('sender');
    const reviews = /^rest_client_requests_total\{code="201",method="POST"/;
    const before = await metric(reviews);
    // Loopback has many addresses on Linux only; elsewhere the flood comes from the sender's own.
    const elsewhere = process.platform === 'linux' ? '127.0.0.2' : '127.0.0.1';
    const flood = Array.from({ length: 500 }, (_, n) => send(forged(good, n), elsewhere));
    const [known, unknown] = await Promise.all([
      send(good),
      process.platform === 'linux' ? send(fresh) : send(good),
    ]);
    expect([known.status, unknown.status]).toEqual([202, 202]);
    for (const { message } of [known, unknown]) await service.waitFor(about(message));
    const answers = new Set((await Promise.all(flood)).map(({ status }) => status));
    expect([...answers].sort()).toEqual([401, 503]);
    expect((await metric(reviews)) - before).toBeLessThan(250);
  });

  test('waits at its sender while the token is bad, and is delivered once it is repaired', async () => {
    const folder = await temporaryFolder('sender');
    const tokenFile = join(folder.path, 'token');
    await writeFile(tokenFile, 'a.bad.token');
    const lines: string[] = [];
    const destination = { write: (line: string) => void lines.push(line) };
    const sink = createHttpEventSink({
      dir: join(folder.path, 'outbox'),
      eventsAddr: `${world.controllers.eventsUrl}/`,
      tokenFile,
      logger: createLogger({ level: 'debug', name: 'test', destination }),
    });
    const events: FluxEvent[] = [1, 2].map(() => uniqueEvent(world.namespace));
    for (const event of events) await sink.publish(event);
    await expect.poll(() => lines.join(''), { timeout: 20_000 }).toContain('HTTP status 401');
    expect(sink.depth()).toBe(2);
    await writeFile(tokenFile, await tokenOf('sender'));
    sink.retryNow();
    for (const { message } of events) await service.waitFor(about(message));
    await sink.flush();
    await sink.close();
    await folder.remove();
  });

  test('leaves its token in no log', async () => {
    await send(good);
    await send(await tokenOf('stranger'));
    await send(forged(good, 1));
    const log = JSON.stringify(await world.controllers.processes['notification-controller'].log());
    expect(log).toContain(`system:serviceaccount:${namespace}:stranger`);
    for (const part of good.split('.').slice(1)) expect(log).not.toContain(part);
    expect(log).not.toMatch(/eyJ/);
  });
});
