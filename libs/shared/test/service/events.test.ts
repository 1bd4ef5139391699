import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FluxEvent } from '@sluice/shared/api';
import { parseFlags, silentLogger } from '@sluice/shared/base';
import type { KubeClient } from '@sluice/shared/kube';
import { commonFlags, createMetrics } from '@sluice/shared/runtime';
import { createEventSink, type ServiceDoors } from '@sluice/shared/service';
import { receiveWebhooks, type WebhookReceiver } from '@sluice/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';

let dir: string;
let receiver: WebhookReceiver;

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'sluice-service-'));
  receiver = await receiveWebhooks();
});
afterEach(async () => {
  await receiver.close();
  rmSync(dir, { recursive: true, force: true });
});

const event: FluxEvent = {
  involvedObject: { kind: 'Kustomization', namespace: 'apps', name: 'web' },
  severity: 'info',
  timestamp: '2026-01-01T00:00:00Z',
  message: 'Applied',
  reason: 'ReconciliationSucceeded',
  reportingController: 'kustomize-controller',
};

function doors(args: string[]): ServiceDoors {
  const flags = parseFlags(commonFlags, [`--outbox-path=${dir}`, ...args]);
  const metrics = createMetrics('test');
  return { name: 'test', flags, logger: silentLogger, metrics, client: {} as KubeClient };
}

test('without NATS and --events-addr there is no sink', () => {
  expect(createEventSink(doors([]))).toBeUndefined();
});

test('without NATS, events are posted to --events-addr, and the outbox shows in the metrics', async () => {
  const { metrics, ...rest } = doors([`--events-addr=${receiver.url}`]);
  const sink = createEventSink({ ...rest, metrics });
  await sink?.publish(event);
  const { body } = await receiver.waitFor(() => true);
  expect(JSON.parse(body)).toEqual(event);
  await sink?.flush();
  expect(await metrics.registry.metrics()).toMatch(/^sluice_outbox_depth 0$/m);
  await sink?.close();
});

test('an --events-addr that is no HTTP address is refused by its name', () => {
  expect(() => createEventSink(doors(['--events-addr=nats://x']))).toThrow(
    /--events-addr .* is no HTTP address/,
  );
});

test('the token of --events-token-file goes with each event, and needs an address', async () => {
  const file = join(dir, 'token');
  writeFileSync(file, 'first');
  const token = `--events-token-file=${file}`;
  expect(() => createEventSink(doors([token]))).toThrow(/--events-token-file .* --events-addr/);
  const sink = createEventSink(doors([`--events-addr=${receiver.url}`, token]));
  await sink?.publish(event);
  const { headers } = await receiver.waitFor(() => true);
  expect(headers['authorization']).toBe('Bearer first');
  await sink?.close();
});

test('the metrics tell how many events wait, their size, and for how long', async () => {
  receiver.respond(503);
  const at = doors([`--events-addr=${receiver.url}`]);
  const sink = createEventSink(at);
  const value = async (name: string) => {
    const [sample] = (await at.metrics.registry.getSingleMetric(name)?.get())?.values ?? [];
    return sample?.value;
  };
  expect(await value('sluice_outbox_oldest_seconds')).toBe(0);
  await sink?.publish(event);
  await sink?.publish(event);
  expect(await value('sluice_outbox_depth')).toBe(2);
  expect(await value('sluice_outbox_bytes')).toBeGreaterThan(2 * JSON.stringify(event).length);
  await expect.poll(() => value('sluice_outbox_oldest_seconds')).toBeGreaterThan(0);
  receiver.respond(202);
  sink?.retryNow();
  await sink?.flush();
  for (const name of ['depth', 'bytes', 'oldest_seconds'])
    expect(await value(`sluice_outbox_${name}`), name).toBe(0);
  await sink?.close();
});
