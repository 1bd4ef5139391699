import { providerTypes } from '@sluice/shared/api';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { adapterFor, knownTypes } from '../../src/provider/adapters.ts';
import { DeliveryError } from '../../src/provider/delivery-error.ts';
import { goJson } from '../../src/provider/go-json.ts';
import { providerCases } from './cases/index.ts';
import { type Bed, type Sent, startBed } from './contract.ts';

let bed: Bed;

beforeAll(async () => {
  bed = await startBed(providerCases.flatMap(({ host }) => host ?? []));
});

afterAll(() => bed.close());

function received(sent: Sent[]): unknown[] {
  return bed.requests().map(({ method, path, headers, body }, i) => ({
    method,
    path,
    headers: Object.fromEntries(
      Object.keys(sent[i]?.headers ?? {}).map((name) => [name, headers[name]]),
    ),
    body,
  }));
}

function expected({ method = 'POST', path, headers = {}, body = '' }: Sent) {
  return { method, path, headers, body: typeof body === 'string' ? body : goJson(body) };
}

describe.each(providerCases)('a provider of type $type', (given) => {
  test.each(given.deliveries)('delivers $name', async (delivery) => {
    await bed.deliver(given, delivery);
    expect(received(delivery.sent)).toEqual(delivery.sent.map(expected));
  });

  test.each(given.failures)('fails for good or not ($permanent) at $name', async (failure) => {
    const answers = Object.fromEntries(
      ['*', ...Object.keys(given.answers ?? {})].map((key) => [key, failure.reply]),
    );
    const error = await bed.deliver(given, { answers }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(DeliveryError);
    const { permanent, retryAfterMs, says = '' } = failure;
    expect(error).toMatchObject({ permanent, message: expect.stringContaining(says) });
    expect((error as DeliveryError).retryAfterMs).toBe(retryAfterMs);
    expect(String(error)).not.toContain('canary');
  });

  if (given.refused === undefined) return;
  test.each(given.refused)('is refused with $name', async ({ change, says, permanent = false }) => {
    const error = await bed.deliver(given, change).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(DeliveryError);
    expect(error).toMatchObject({ permanent, message: expect.stringContaining(says) });
    expect(String(error)).not.toContain('canary');
    expect(bed.requests()).toEqual([]);
  });
});

test('a type of a later version is refused for good, naming those there are', () => {
  expect(() => adapterFor('constructor' as 'slack')).toThrow(
    expect.objectContaining({ permanent: true, message: expect.stringContaining('slack') }),
  );
});

test('every type has its case, with failures of its service', () => {
  // Does not speak HTTP: nats.cluster.test.ts.
  const covered = new Set([...providerCases.map(({ type }) => type), 'nats']);
  expect([...covered].sort()).toEqual(knownTypes);
  expect(knownTypes).toEqual([...providerTypes].sort());
  for (const { deliveries, failures } of providerCases) {
    expect(deliveries.length).toBeGreaterThan(0);
    expect(failures.length).toBeGreaterThan(0);
  }
});
