import { createHmac } from 'node:crypto';
import { type KubeObject, providerKind } from '@sluice/shared/api';
import { lastMessage } from '@sluice/shared/bus';
import { resourceOf } from '@sluice/shared/kube';
import { type Alertmanager, receiveTraces, startAlertmanager } from '@sluice/testing';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { useWorld } from '../use-world.ts';
import { about, uniqueEvent } from '../world.ts';

const bed = useWorld({ args: ['--delivery-give-up-after=1s'] });

/** A provider's address that belongs to this test alone. */
const address = () => `${bed.service.url}/services/canary`;

describe('an event of the stream', () => {
  test('reaches Slack', async () => {
    await bed.world.alert({
      provider: { type: 'slack', channel: 'ops' },
      secret: { address: address(), token: 'xoxb-canary' },
    });
    const event = await bed.world.publish();
    const { headers, body } = await bed.service.waitFor(about(event.message));
    expect(headers['authorization']).toBe('Bearer xoxb-canary');
    expect(JSON.parse(body)).toMatchObject({
      channel: 'ops',
      username: 'kustomize-controller',
      attachments: [
        { author_name: `kustomization/web.${bed.world.namespace}`, text: event.message },
      ],
    });
  });

  test('reaches a webhook, signed', async () => {
    await bed.world.alert({
      provider: { type: 'generic-hmac', address: address() },
      secret: { token: 'hmac-canary', headers: 'X-Env: prod' },
      alert: { eventMetadata: { cluster: 'c1' } },
    });
    const event = await bed.world.publish();
    const { headers, body } = await bed.service.waitFor(about(event.message));
    const signature = createHmac('sha256', 'hmac-canary').update(body).digest('hex');
    expect(headers['x-signature']).toBe(`sha256=${signature}`);
    expect(headers['gotk-component']).toBe('kustomize-controller');
    expect(headers['x-env']).toBe('prod');
    expect(JSON.parse(body)).toMatchObject({ message: event.message, metadata: { cluster: 'c1' } });
  });

  test('becomes the status of its commit, and information without a commit does not', async () => {
    const commit = '69b59063470310ebbd88a9156325322a124e55a3';
    await bed.world.alert({
      provider: {
        type: 'github',
        address: `${bed.service.url}/org/repo`,
        commitStatusExpr: "event.involvedObject.name + '/' + event.metadata.env",
      },
      secret: { token: 'ghp-canary' },
      alert: { eventMetadata: { env: 'prod' } },
    });
    bed.service.respond({ status: 200, body: '[]' });
    const metadata = { 'kustomize.toolkit.fluxcd.io/revision': `main@sha1:${commit}` };
    await bed.world.publish({ metadata });
    await bed.world.publish({ metadata, severity: 'error', reason: 'HealthCheckFailed' });
    const { body } = await bed.service.waitFor(({ method }) => method === 'POST');
    expect(JSON.parse(body)).toEqual({
      state: 'failure',
      description: 'health check failed',
      context: 'web/prod',
    });
    expect(bed.service.requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
      `GET /api/v3/repos/org/repo/commits/${commit}/statuses?per_page=50`,
      `POST /api/v3/repos/org/repo/statuses/${commit}`,
    ]);
  });

  test('becomes a span at a collector', async () => {
    const collector = await receiveTraces();
    try {
      const name = await bed.world.alert({
        provider: { type: 'otel', address: `${collector.endpoint}/v1/traces` },
      });
      const event = await bed.world.publish({ severity: 'error' });
      const span = await collector.waitFor(({ message }) => message === event.message);
      expect(span).toMatchObject({
        service: `${bed.world.namespace}/${name}`,
        name: `Kustomization: ${bed.world.namespace}/web`,
        parentId: '',
        failed: true,
        attributes: { 'object.kind': 'Kustomization', 'object.name': 'web' },
      });
    } finally {
      await collector.close();
    }
  });

  test('is not sent where a key of the Secret is missing, which is told of at once', async () => {
    const name = await bed.world.alert({
      provider: { type: 'opsgenie', address: address() },
      secret: { password: 'no key' },
    });
    await bed.world.publish();
    await bed.world.publish();
    const said = await bed.world.failureOf(name);
    expect(said.message).toContain("the provider has no API key: put the key 'token' into");
    expect(bed.service.requests).toEqual([]);
  });

  test('reaches others at once when an alert has too many expressions', async () => {
    await bed.world.alert({
      provider: { address: `${bed.service.url}/greedy` },
      alert: { inclusionList: Array.from({ length: 400 }, (_, i) => `(?i)(a|b|c)*${i}.*never`) },
    });
    await bed.world.alert({ provider: { address: `${bed.service.url}/modest` } });
    const event = await bed.world.publish({
      message: `${uniqueEvent('x').message} ${'a'.repeat(20_000)}`,
    });
    const { path } = await bed.service.waitFor(about(event.message));
    expect(path).toBe('/modest');
  });

  test('goes to those alerts only that want it', async () => {
    await bed.world.alert({
      provider: { address: `${bed.service.url}/errors` },
      alert: { eventSeverity: 'error' },
    });
    await bed.world.alert({ provider: { address: `${bed.service.url}/all` } });
    const info = await bed.world.publish();
    const error = await bed.world.publish({ severity: 'error' });
    await bed.service.waitFor((r) => r.path === '/errors' && about(error.message)(r));
    await bed.service.waitFor((r) => r.path === '/all' && about(error.message)(r));
    await bed.service.waitFor((r) => r.path === '/all' && about(info.message)(r));
    expect(bed.service.requests.filter((r) => r.path === '/errors')).toHaveLength(1);
  });

  test('is delivered again after the service failed', async () => {
    await bed.world.alert({ provider: { address: address() } });
    bed.service.respond(() => ({ status: bed.service.requests.length < 3 ? 500 : 200 }));
    const event = await bed.world.publish();
    const other = await bed.world.publish();
    await bed.service.waitFor(() => bed.service.requests.filter(about(event.message)).length > 0);
    await bed.service.waitFor(() => bed.service.requests.length >= 4);
    const got = bed.service.requests.map((r) => JSON.parse(r.body).message as string);
    expect(new Set(got)).toEqual(new Set([event.message, other.message]));
  });

  test('that cannot be delivered goes to the dead letters, and the alert says so', async () => {
    bed.service.respond({ status: 503, body: 'down, canary' });
    const name = await bed.world.alert({ provider: {}, secret: { address: address() } });
    const event = await bed.world.publish();
    const said = await bed.world.failureOf(name);
    expect(said.message).toContain('status 503');
    expect(said.message).not.toContain('services/canary');
    const subject = `${bed.world.bus.prefix}.deadletter.${bed.world.namespace}.${name}`;
    const letter = await lastMessage(bed.world.bus, 'deadletter', subject);
    expect(letter?.data).toMatchObject({
      error: expect.stringContaining('status 503'),
      delivery: { event: { message: event.message }, alert: { name } },
    });
    const attempts = (letter?.data as { attempts: number } | undefined)?.attempts ?? 0;
    expect(attempts).toBeGreaterThanOrEqual(5);
    // The last one may be without a request, while every delivery through the Provider fails.
    expect([attempts - 1, attempts]).toContain(bed.service.requests.length);
  });

  test('that the service refuses for good is tried once', async () => {
    bed.service.respond(400);
    const name = await bed.world.alert({ provider: { address: address() } });
    await bed.world.publish();
    await bed.world.failureOf(name);
    expect(bed.service.requests).toHaveLength(1);
  });

  test('waits for a provider that comes later', async () => {
    const event = uniqueEvent(bed.world.namespace);
    const name = await bed.world.alert({
      provider: { address: address() },
      alert: { providerRef: { name: 'late-provider' } },
    });
    await bed.world.publish(event);
    await bed.world.client.create(resourceOf(providerKind), {
      apiVersion: 'notification.toolkit.fluxcd.io/v1beta3',
      kind: 'Provider',
      metadata: { name: 'late-provider', namespace: bed.world.namespace },
      spec: { type: 'generic', address: address() },
    } as KubeObject);
    await bed.service.waitFor(about(event.message));
    expect(name).not.toBe('');
  });

  test('that repeats one delivered is not delivered again', async () => {
    await bed.world.alert({ provider: { address: address() } });
    const first = await bed.world.publish();
    await bed.service.waitFor(about(first.message));
    await bed.world.publish({ message: first.message });
    const last = await bed.world.publish();
    await bed.service.waitFor(about(last.message));
    expect(bed.service.requests.filter(about(first.message))).toHaveLength(1);
  });
});

describe('a message of the stream that is no event', () => {
  test.each([
    { name: 'has a name that is a wildcard', change: { kind: 'K', name: '*', namespace: 'a' } },
    { name: 'has a namespace of two tokens', change: { kind: 'K', name: 'x', namespace: 'a.b' } },
  ])('since it $name goes to the dead letters, and others are delivered', async ({ change }) => {
    await bed.world.alert({ provider: { address: address() } });
    const { sequence } = await bed.world.bus.publish({
      subject: `${bed.world.bus.prefix}.event.info.K.a.x`,
      data: { ...uniqueEvent(bed.world.namespace), involvedObject: change },
      id: JSON.stringify(change),
    });
    const event = await bed.world.publish();
    await bed.service.waitFor(about(event.message));
    const subject = `${bed.world.bus.prefix}.deadletter._unreadable.events`;
    const letters = async () => lastMessage(bed.world.bus, 'deadletter', subject);
    await vi.waitUntil(async () => (await letters())?.data !== undefined, { timeout: 30_000 });
    expect((await letters())?.data).toMatchObject({
      error: expect.stringContaining('involvedObject'),
    });
    expect(sequence).toBeGreaterThan(0);
  });

  test('an alert that adds too much loses its own delivery only', async () => {
    const large = { a: 'x'.repeat(600 * 1024) };
    await bed.world.alert({
      provider: { address: `${bed.service.url}/large` },
      alert: { eventMetadata: large },
    });
    await bed.world.alert({ provider: { address: `${bed.service.url}/small` } });
    const metadata = { 'event.toolkit.fluxcd.io/b': 'ä€'.repeat(100_000) };
    const event = await bed.world.publish({ metadata });
    await bed.service.waitFor((r) => r.path === '/small' && about(event.message)(r));
    const subject = `${bed.world.bus.prefix}.deadletter._unreadable.alerts`;
    await vi.waitUntil(
      async () => (await lastMessage(bed.world.bus, 'deadletter', subject)) !== undefined,
      { timeout: 30_000 },
    );
    expect(bed.service.requests.filter((r) => r.path === '/large')).toEqual([]);
  });
});

describe('Prometheus Alertmanager', () => {
  let alertmanager: Alertmanager;

  beforeAll(async () => {
    alertmanager = await startAlertmanager();
  });

  afterAll(() => alertmanager.stop());

  test('shows the alert', async () => {
    await bed.world.alert({
      provider: { type: 'alertmanager', address: `${alertmanager.url}/api/v2/alerts/` },
      alert: { eventMetadata: { summary: 'shop is down', env: 'prod' } },
    });
    const event = await bed.world.publish({ severity: 'error', reason: 'HealthCheckFailed' });
    const alert = await alertmanager.waitForAlert(
      (a) => a.annotations['message'] === event.message,
    );
    expect(alert.labels).toMatchObject({
      alertname: 'FluxKustomizationHealthcheckfailed',
      severity: 'error',
      namespace: bed.world.namespace,
      env: 'prod',
    });
    expect(alert.annotations['summary']).toBe('shop is down');
    expect(alert.status.state).toBe('active');
  });
});

describe('an event over HTTP', () => {
  test('is answered and delivered', async () => {
    await bed.world.alert({ provider: { address: address() } });
    const event = uniqueEvent(bed.world.namespace);
    expect(await bed.world.post(event)).toBe(202);
    await bed.service.waitFor(about(event.message));
  });

  test('that repeats one delivered is answered 429', async () => {
    await bed.world.alert({ provider: { address: address() } });
    const event = uniqueEvent(bed.world.namespace);
    await bed.world.post(event);
    await bed.service.waitFor(about(event.message));
    const again = () => bed.world.post({ ...event, timestamp: new Date().toISOString() });
    let status = await again();
    // The delivery is remembered just after the service has answered.
    while (status === 202) status = await again();
    expect(status).toBe(429);
    expect(bed.service.requests.filter(about(event.message))).toHaveLength(1);
  });

  test('takes its trace along to the service', async () => {
    await bed.world.alert({ provider: { address: address() } });
    const event = uniqueEvent(bed.world.namespace);
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    await fetch(`${bed.world.controllers.eventsUrl}/`, {
      method: 'POST',
      headers: { traceparent },
      body: JSON.stringify(event),
    });
    const { headers } = await bed.service.waitFor(about(event.message));
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
    expect(await bed.world.post(body)).toBe(want);
  });
});

test('no log line holds a secret', async () => {
  const text = JSON.stringify(
    await bed.world.controllers.processes['notification-controller'].log(),
  );
  expect(text).toContain('A delivery failed');
  for (const secret of ['xoxb-canary', 'hmac-canary', 'ghp-canary', 'services/canary']) {
    expect(text).not.toContain(secret);
  }
});
