import { silentLogger } from '@sluice/shared/base';
import { Registry } from 'prom-client';
import { describe, expect, test } from 'vitest';
import { type AttemptResult, failure } from '../../src/delivery/delivery.ts';
import { deliveryMetrics } from '../../src/delivery/metrics.ts';
import { createReporter } from '../../src/delivery/reporter.ts';
import { DeliveryError, UnusableProviderError } from '../../src/provider/delivery-error.ts';
import { SecretUnavailableError } from '../../src/provider/secrets.ts';
import { alertOf, eventOf } from '../objects.ts';

type Failed = Extract<AttemptResult, { type: 'failed' }>;

const hourMs = 60 * 60_000;
const delivery = {
  id: 'event-1:apps/alert',
  event: eventOf(),
  alert: { namespace: 'apps', name: 'alert' },
  provider: 'provider',
  key: 'k',
};
const failed = (error: Error) => failure(error) as Failed;

function open() {
  const said: string[] = [];
  const clock = { now: 0 };
  const metrics = deliveryMetrics(new Registry());
  const reporter = createReporter({
    alertOf: () => alertOf(),
    providerTypeOf: () => 'slack',
    events: {
      record: async (_object, { message }) => void said.push(message),
      flush: async () => undefined,
    },
    metrics,
    status: { attempted: () => undefined, givenUp: () => undefined },
    logger: silentLogger,
    now: () => clock.now,
  });
  const giveUp = async (result: Failed) => {
    reporter.attempted(delivery, result, 1);
    await reporter.givenUp(
      { delivery, error: result.error, attempts: 1, failedAt: '2026-01-02T03:04:05Z' },
      result,
    );
  };
  return { said, clock, reporter, giveUp, metrics };
}

describe('a provider that cannot be used', () => {
  test.each([
    { name: 'lacks a key', error: new UnusableProviderError("put the key 'token' there") },
    { name: 'lacks its Secret', error: new SecretUnavailableError('create it') },
  ])('as it $name is told of at once, and again after an hour', ({ error }) => {
    const { said, clock, reporter } = open();
    const message = `cannot send notifications: ${error.message}`;
    for (let attempt = 1; attempt <= 3; attempt++) {
      reporter.attempted(delivery, failed(error), attempt);
    }
    expect(said).toEqual([message]);
    clock.now = hourMs;
    reporter.attempted(delivery, failed(error), 4);
    expect(said).toEqual([message, message]);
  });

  test('for good is told of once for many events, all of which are counted', async () => {
    const { said, giveUp, metrics } = open();
    const error = failed(new UnusableProviderError('no', { permanent: true }));
    for (let i = 0; i < 3; i++) await giveUp(error);
    expect(said).toEqual([
      'failed to send notification for Kustomization/apps/web after 1 attempts: no',
    ]);
    expect((await metrics.deadLetters.get()).values[0]?.value).toBe(3);
  });

  test('for another reason is told of', () => {
    const { said, reporter } = open();
    for (const reason of ['a', 'b']) {
      reporter.attempted(delivery, failed(new UnusableProviderError(reason)), 1);
    }
    expect(said).toHaveLength(2);
  });
});

test('each delivery that a service refuses for good is told of', async () => {
  const { said, giveUp } = open();
  const error = failed(new DeliveryError('status 400', { permanent: true }));
  await giveUp(error);
  await giveUp(error);
  expect(said).toHaveLength(2);
});
