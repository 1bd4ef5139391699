import { createHmac } from 'node:crypto';
import { type KubeObject, providerKind } from '@sluice/shared/api';
import { lastMessage } from '@sluice/shared/bus';
import { resourceOf } from '@sluice/shared/kube';
import {
  type Alertmanager,
  receiveTraces,
  receiveWebhooks,
  startAlertmanager,
  type WebhookReceiver,
} from '@sluice/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { startWorld, uniqueEvent, type World } from '../world.ts';

let world: World;
let service: WebhookReceiver;

beforeAll(async () => {
  world = await startWorld({ args: ['--delivery-give-up-after=1s'] });
});

afterAll(() => world.end());

beforeEach(async () => {
  service = await receiveWebhooks();
});

afterEach(async () => {
  await world.clear();
  await service.close();
});

/** A provider's address that belongs to this test alone. */
const address = () => `${service.url}/services/canary`;
const about = (message: string) => (request: { body: string }) => request.body.includes(message);

describe('an event of the stream', () => {
  test('reaches Slack', async () => {
    await world.alert({
      provider: { type: 'slack', channel: 'ops' },
      secret: { address: address(), token: 'xoxb-canary' },
    });
    const event = await world.publish();
    const { headers, body } = await service.waitFor(about(event.message));
    expect(headers['authorization']).toBe('Bearer xoxb-canary');
    expect(JSON.parse(body)).toMatchObject({
      channel: 'ops',
      username: 'kustomize-controller',
      attachments: [{ author_name: `kustomization/web.${world.namespace}`, text: event.message }],
    });
  });

  test('reaches a webhook, signed', async () => {
    await world.alert({
      provider: { type: 'generic-hmac', address: address() },
      secret: { token: 'hmac-canary', headers: 'X-Env: prod' },
      alert: { eventMetadata: { cluster: 'c1' } },
    });
    const event = await world.publish();
    const { headers, body } = await service.waitFor(about(event.message));
    const signature = createHmac('sha256', 'hmac-canary').update(body).digest('hex');
    expect(headers['x-signature']).toBe(`sha256=${signature}`);
    expect(headers['gotk-component']).toBe('kustomize-controller');
    expect(headers['x-env']).toBe('prod');
    expect(JSON.parse(body)).toMatchObject({ message: event.message, metadata: { cluster: 'c1' } });
  });

  test('becomes the status of its commit, and information without a commit does not', async () => {
    const commit = '69b59063470310ebbd88a9156325322a124e55a3';
    await world.alert({
      provider: {
        type: 'github',
        address: `${service.url}/org/repo`,
        commitStatusExpr: "event.involvedObject.name + '/' + event.metadata.env",
      },
      secret: { token: 'ghp-canary' },
      alert: { eventMetadata: { env: 'prod' } },
    });
    service.respond({ status: 200, body: '[]' });
    const metadata = { 'kustomize.toolkit.fluxcd.io/revision': `main@sha1:${commit}` };
    await world.publish({ metadata });
    await world.publish({ metadata, severity: 'error', reason: 'HealthCheckFailed' });
    const { body } = await service.waitFor(({ method }) => method === 'POST');
    expect(JSON.parse(body)).toEqual({
      state: 'failure',
      description: 'health check failed',
      context: 'web/prod',
    });
    expect(service.requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
      `GET /api/v3/repos/org/repo/commits/${commit}/statuses?per_page=50`,
      `POST /api/v3/repos/org/repo/statuses/${commit}`,
    ]);
  });

  test('becomes a span at a collector', async () => {
    const collector = await receiveTraces();
    try {
      const name = await world.alert({
        provider: { type: 'otel', address: `${collector.endpoint}/v1/traces` },
      });
      const event = await world.publish({ severity: 'error' });
      const span = await collector.waitFor(({ message }) => message === event.message);
      expect(span).toMatchObject({
        service: `${world.namespace}/${name}`,
        name: `Kustomization: ${world.namespace}/web`,
        parentId: '',
        failed: true,
        attributes: { 'object.kind': 'Kustomization', 'object.name': 'web' },
      });
    } finally {
      await collector.close();
    }
  });

  test('is not sent where a key of the Secret is missing, which is told of at once', async () => {
    const name = await world.alert({
      provider: { type: 'opsgenie', address: address() },
      secret: { password: 'no key' },
    });
    await world.publish();
    await world.publish();
    const said = await world.failureOf(name);
    expect(said.message).toContain("the provider has no API key: put the key 'token' into");
    expect(service.requests).toEqual([]);
  });

  test('reaches others at once when an alert has too many expressions', async () => {
    await world.alert({
      provider: { address: `${service.url}/greedy` },
      alert: { inclusionList: Array.from({ length: 400 }, (_, i) => `(?i)(a|b|c)*${i}.*never`) },
    });
    await world.alert({ provider: { address: `${service.url}/modest` } });
    const event = await world.publish({
      message: `${uniqueEvent('x').message} ${'a'.repeat(20_000)}`,
    });
    const { path } = await service.waitFor(about(event.message));
    expect(path).toBe('/modest');
  });

  test('goes to those alerts only that want it', async () => {
    await world.alert({
      provider: { address: `${service.url}/errors` },
      alert: { eventSeverity: 'error' },
    });
    await world.alert({ provider: { address: `${service.url}/all` } });
    const info = await world.publish();
    const error = await world.publish({ severity: 'error' });
    await service.waitFor((r) => r.path === '/errors' && about(error.message)(r));
    await service.waitFor((r) => r.path === '/all' && about(error.message)(r));
    await service.waitFor((r) => r.path === '/all' && about(info.message)(r));
    expect(service.requests.filter((r) => r.path === '/errors')).toHaveLength(1);
  });

  test('is delivered again after the service failed', async () => {
    await world.alert({ provider: { address: address() } });
    service.respond(() => ({ status: service.requests.length < 3 ? 500 : 200 }));
    const event = await world.publish();
    const other = await world.publish();
    await service.waitFor(() => service.requests.filter(about(event.message)).length > 0);
    await service.waitFor(() => service.requests.length >= 4);
    const got = service.requests.map((r) => JSON.parse(r.body).message as string);
    expect(new Set(got)).toEqual(new Set([event.message, other.message]));
  });

  test('that cannot be delivered goes to the dead letters, and the alert says so', async () => {
    service.respond({ status: 503, body: 'down, canary' });
    const name = await world.alert({ provider: {}, secret: { address: address() } });
    const event = await world.publish();
    const said = await world.failureOf(name);
    expect(said.message).toContain('status 503');
    expect(said.message).not.toContain('services/canary');
    const subject = `${world.bus.prefix}.deadletter.${world.namespace}.${name}`;
    const letter = await lastMessage(world.bus, 'deadletter', subject);
    expect(letter?.data).toMatchObject({
      error: expect.stringContaining('status 503'),
      delivery: { event: { message: event.message }, alert: { name } },
    });
    const attempts = (letter?.data as { attempts: number } | undefined)?.attempts ?? 0;
    expect(attempts).toBeGreaterThanOrEqual(5);
    // The last one may be without a request, while every delivery through the Provider fails.
    expect([attempts - 1, attempts]).toContain(service.requests.length);
  });

  test('that the service refuses for good is tried once', async () => {
    service.respond(400);
    const name = await world.alert({ provider: { address: address() } });
    await world.publish();
    await world.failureOf(name);
    expect(service.requests).toHaveLength(1);
  });

  test('waits for a provider that comes later', async () => {
    const event = uniqueEvent(world.namespace);
    const name = await world.alert({
      provider: { address: address() },
      alert: { providerRef: { name: 'late-provider' } },
    });
    await world.publish(event);
    await world.client.create(resourceOf(providerKind), {
      apiVersion: 'notification.toolkit.fluxcd.io/v1beta3',
      kind: 'Provider',
      metadata: { name: 'late-provider', namespace: world.namespace },
      spec: { type: 'generic', address: address() },
    } as KubeObject);
    await service.waitFor(about(event.message));
    expect(name).not.toBe('');
  });

  test('that repeats one delivered is not delivered again', async () => {
    await world.alert({ provider: { address: address() } });
    const first = await world.publish();
    await service.waitFor(about(first.message));
    await world.publish({ message: first.message });
    const last = await world.publish();
    await service.waitFor(about(last.message));
    expect(service.requests.filter(about(first.message))).toHaveLength(1);
  });
});

describe('a message of the stream that is no event', () => {
  test.each([
    { name: 'has a name that is a wildcard', change: { kind: 'K', name: '*', namespace: 'a' } },
    { name: 'has a namespace of two tokens', change: { kind: 'K', name: 'x', namespace: 'a.b' } },
  ])('since it $name goes to the dead letters, and others are delivered', async ({ change }) => {
    await world.alert({ provider: { address: address() } });
    const { sequence } = await world.bus.publish({
      subject: `${world.bus.prefix}.event.info.K.a.x`,
      data: { ...uniqueEvent(world.namespace), involvedObject: change },
      id: JSON.stringify(change),
    });
    const event = await world.publish();
    await service.waitFor(about(event.message));
    const subject = `${world.bus.prefix}.deadletter._unreadable.events`;
    const letters = async () => lastMessage(world.bus, 'deadletter', subject);
    await vi.waitUntil(async () => (await letters())?.data !== undefined, { timeout: 30_000 });
    expect((await letters())?.data).toMatchObject({
      error: expect.stringContaining('involvedObject'),
    });
    expect(sequence).toBeGreaterThan(0);
  });

  test('an alert that adds too much loses its own delivery only', async () => {
    const large = { a: 'x'.repeat(600 * 1024) };
    await world.alert({
      provider: { address: `${service.url}/large` },
      alert: { eventMetadata: large },
    });
    await world.alert({ provider: { address: `${service.url}/small` } });
    const metadata = { 'event.toolkit.fluxcd.io/b': 'ä€'.repeat(100_000) };
    const event = await world.publish({ metadata });
    await service.waitFor((r) => r.path === '/small' && about(event.message)(r));
    const subject = `${world.bus.prefix}.deadletter._unreadable.alerts`;
    await vi.waitUntil(
      async () => (await lastMessage(world.bus, 'deadletter', subject)) !== undefined,
      { timeout: 30_000 },
    );
    expect(service.requests.filter((r) => r.path === '/large')).toEqual([]);
  });
});

describe('Prometheus Alertmanager', () => {
  let alertmanager: Alertmanager;

  beforeAll(async () => {
    alertmanager = await startAlertmanager();
  });

  afterAll(() => alertmanager.stop());

  test('shows the alert', async () => {
    await world.alert({
      provider: { type: 'alertmanager', address: `${alertmanager.url}/api/v2/alerts/` },
      alert: { eventMetadata: { summary: 'shop is down', env: 'prod' } },
    });
    const event = await world.publish({ severity: 'error', reason: 'HealthCheckFailed' });
    const alert = await alertmanager.waitForAlert(
      (a) => a.annotations['message'] === event.message,
    );
    expect(alert.labels).toMatchObject({
      alertname: 'FluxKustomizationHealthcheckfailed',
      severity: 'error',
      namespace: world.namespace,
      env: 'prod',
    });
    expect(alert.annotations['summary']).toBe('shop is down');
    expect(alert.status.state).toBe('active');
  });
});

describe('an event over HTTP', () => {
  test('is answered and delivered', async () => {
    await world.alert({ provider: { address: address() } });
    const event = uniqueEvent(world.namespace);
    expect(await world.post(event)).toBe(202);
    await service.waitFor(about(event.message));
  });

  test('that repeats one delivered is answered 429', async () => {
    await world.alert({ provider: { address: address() } });
    const event = uniqueEvent(world.namespace);
    await world.post(event);
    await service.waitFor(about(event.message));
    const again = () => world.post({ ...event, timestamp: new Date().toISOString() });
    let status = await again();
    // The delivery is remembered just after the service has answered.
    while (status === 202) status = await again();
    expect(status).toBe(429);
    expect(service.requests.filter(about(event.message))).toHaveLength(1);
  });

  test('takes its trace along to the service', async () => {
    await world.alert({ provider: { address: address() } });
    const event = uniqueEvent(world.namespace);
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    await fetch(`${world.controllers.eventsUrl}/`, {
      method: 'POST',
      headers: { traceparent },
      body: JSON.stringify(event),
    });
    const { headers } = await service.waitFor(about(event.message));
    expect(headers['traceparent']).toBe(traceparent);
  });

  test.each([
    { name: 'no JSON', body: '{', want: 400 },
    { name: 'no event', body: '{}', want: 400 },
    { name: 'more than 3 MiB', body: 'x'.repeat(3 * 1024 * 1024 + 1), want: 413 },
    {
      name: 'an event of more than 512 KiB',
      body: JSON.stringify(uniqueEvent('nowhere', { metadata: { a: 'ä€'.repeat(120_000) } })),
      want: 413,
    },
    {
      name: 'a message of more than 64 Ki characters',
      body: JSON.stringify(uniqueEvent('nowhere', { message: 'x'.repeat(64 * 1024 + 1) })),
      want: 400,
    },
    { name: 'a namespace that is none', body: JSON.stringify(uniqueEvent('a.>')), want: 400 },
    { name: 'nobody who wants it', body: JSON.stringify(uniqueEvent('nowhere')), want: 202 },
  ])('with $name is answered $want', async ({ body, want }) => {
    expect(await world.post(body)).toBe(want);
  });
});

test('no log line holds a secret', async () => {
  const text = JSON.stringify(await world.controllers.processes['notification-controller'].log());
  expect(text).toContain('A delivery failed');
  for (const secret of ['xoxb-canary', 'hmac-canary', 'ghp-canary', 'services/canary']) {
    expect(text).not.toContain(secret);
  }
});
