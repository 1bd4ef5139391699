import type { Alert, Provider } from '@sluice/shared/api';
import { silentLogger } from '@sluice/shared/base';
import { localNetwork, receiveWebhooks, type WebhookReceiver } from '@sluice/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type AttemptContext, createAttempt } from '../../src/delivery/attempt.ts';
import { memoryDeliveredLog } from '../../src/delivery/delivered.ts';
import type { Delivery } from '../../src/delivery/delivery.ts';
import { createIncidents } from '../../src/incident/incidents.ts';
import { SecretUnavailableError } from '../../src/provider/secrets.ts';
import { noIdentity } from '../no-identity.ts';
import { notesInMemory } from '../notes.ts';
import { alertOf, eventOf, providerOf } from '../objects.ts';

let service: WebhookReceiver;

beforeEach(async () => {
  service = await receiveWebhooks();
});

afterEach(() => service.close());

const deliveryOf = (message: string, change: Partial<Delivery> = {}): Delivery => ({
  id: `id-${message}`,
  event: eventOf({ message }),
  alert: { namespace: 'apps', name: 'alert' },
  provider: 'provider',
  key: `key-${message}`,
  ...change,
});

const retry = { minDelayMs: 1, maxDelayMs: 2, giveUpAfterMs: 60_000, minAttempts: 5 };

function attemptWith(o: {
  alert?: Alert | null;
  provider?: Provider | null;
  change?: Partial<AttemptContext>;
}) {
  const alert = o.alert === undefined ? alertOf() : o.alert;
  const provider = o.provider === undefined ? providerOf({ address: service.url }) : o.provider;
  const attempt = createAttempt({
    alertOf: () => alert ?? undefined,
    providerOf: () => provider ?? undefined,
    readSecret: () => Promise.reject(new SecretUnavailableError('Secret is missing')),
    identityOf: () => noIdentity,
    delivered: memoryDeliveredLog(300_000),
    incidents: createIncidents(notesInMemory(), { logger: silentLogger }),
    guard: localNetwork,
    retry,
    ...o.change,
  });
  return (delivery: Delivery) =>
    attempt(delivery, { signal: new AbortController().signal, ageMs: 0 });
}

const messages = () => service.requests.map(({ body }) => JSON.parse(body).message as string);

describe('an attempt', () => {
  test('delivers', async () => {
    expect(await attemptWith({})(deliveryOf('m'))).toEqual({ type: 'delivered' });
    expect(messages()).toEqual(['m']);
  });

  test.each([
    { name: 'the alert is gone', o: { alert: null }, why: 'the alert was deleted' },
    {
      name: 'the alert is suspended',
      o: { alert: alertOf({ suspend: true }) },
      why: 'the alert is suspended',
    },
    {
      name: 'the provider is suspended',
      o: { provider: providerOf({ suspend: true }) },
      why: 'the provider is suspended',
    },
  ])('drops when $name', async ({ o, why }) => {
    expect(await attemptWith(o)(deliveryOf('m'))).toEqual({ type: 'dropped', why });
    expect(service.requests).toHaveLength(0);
  });

  test.each([
    {
      name: 'there is no provider',
      o: { provider: null },
      error: "'apps/provider', which does not exist",
      permanent: false,
    },
    {
      name: 'there is no Secret',
      o: { provider: providerOf({ secretRef: { name: 's' } }) },
      error: 'Secret is missing',
      permanent: false,
    },
    {
      name: 'the type needs a field that is missing',
      o: { provider: providerOf({ type: 'telegram' }) },
      error: 'spec.channel is missing',
      permanent: false,
    },
  ])('fails when $name, for good: $permanent', async ({ o, error, permanent }) => {
    expect(await attemptWith(o)(deliveryOf('m'))).toMatchObject({
      type: 'failed',
      permanent,
      error: expect.stringContaining(error),
    });
  });

  test('passes on how long the service wants to be left alone', async () => {
    service.respond({ status: 429, headers: { 'retry-after': '9' } });
    expect(await attemptWith({})(deliveryOf('m'))).toMatchObject({ retryAfterMs: 9_000 });
  });
});

describe('repetitions', () => {
  test('of what was delivered are not delivered', async () => {
    const attempt = attemptWith({});
    await attempt(deliveryOf('m'));
    expect(await attempt(deliveryOf('m'))).toEqual({ type: 'duplicate' });
    expect(messages()).toEqual(['m']);
  });

  test('of what failed are delivered', async () => {
    const attempt = attemptWith({});
    service.respond(500);
    expect(await attempt(deliveryOf('m'))).toMatchObject({ type: 'failed' });
    service.respond(200);
    expect(await attempt(deliveryOf('m'))).toEqual({ type: 'delivered' });
  });

  test('that come at the same time are delivered once', async () => {
    const attempt = attemptWith({});
    const results = await Promise.all([attempt(deliveryOf('m')), attempt(deliveryOf('m'))]);
    expect(results).toEqual([{ type: 'delivered' }, { type: 'duplicate' }]);
    expect(messages()).toEqual(['m']);
  });

  test('to another alert are delivered', async () => {
    const attempt = attemptWith({});
    await attempt(deliveryOf('m'));
    const other = deliveryOf('m', { alert: { namespace: 'apps', name: 'other' } });
    expect(await attempt(other)).toEqual({ type: 'delivered' });
  });

  test('after the window are delivered', async () => {
    let nowMs = 0;
    const delivered = memoryDeliveredLog(300_000, () => nowMs);
    const attempt = attemptWith({ change: { delivered } });
    await attempt(deliveryOf('m'));
    nowMs = 299_999;
    expect(await attempt(deliveryOf('m'))).toEqual({ type: 'duplicate' });
    nowMs = 300_000;
    expect(await attempt(deliveryOf('m'))).toEqual({ type: 'delivered' });
  });
});

describe('order', () => {
  test('of the events of one object is kept', async () => {
    const attempt = attemptWith({});
    const sent = ['a', 'b', 'c', 'd', 'e'];
    await Promise.all(sent.map((message) => attempt(deliveryOf(message))));
    expect(messages()).toEqual(sent);
  });

  test('does not make the alerts of other providers wait for a slow one', async () => {
    const slow = await receiveWebhooks();
    const release = Promise.withResolvers<void>();
    const fast = service.url;
    const attempt = attemptWith({
      change: {
        providerOf: (key) =>
          providerOf({
            address: key === 'apps/slow' ? 'http://127.0.0.1:1' : fast,
            secretRef: { name: key.slice(5) },
          }),
        readSecret: async (_namespace, name) => {
          if (name === 'slow') await release.promise;
          return {};
        },
      },
    });
    const waiting = Array.from({ length: 8 }, (_, i) =>
      attempt(deliveryOf(`slow ${i}`, { provider: 'slow' })),
    );
    expect(await attempt(deliveryOf('quick'))).toEqual({ type: 'delivered' });
    release.resolve();
    await Promise.all(waiting);
    await slow.close();
  });
});
