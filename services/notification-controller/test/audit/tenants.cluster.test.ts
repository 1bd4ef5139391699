import type { AuditRecord } from '@sluice/shared/api';
import { receiveWebhooks, testNamespace, type WebhookReceiver } from '@sluice/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startWorld, type World } from '../world.ts';
import { publishRecord, withRecord } from './records.ts';

let world: World;
let other: string;
let ours: WebhookReceiver;
let theirs: WebhookReceiver;

beforeAll(async () => {
  world = await startWorld({ args: ['--no-cross-namespace-refs', '--allow-wildcard-namespaces'] });
  other = await testNamespace(world.client, 'other');
  [ours, theirs] = await Promise.all([receiveWebhooks(), receiveWebhooks()]);
});

afterAll(async () => {
  await world?.end();
  await Promise.all([ours?.close(), theirs?.close()]);
});

test('of two tenants, each gets the audit records of its own objects, whatever its Alert names', async () => {
  const sources = (namespace: string) =>
    [undefined, namespace, '*'].map((named) => ({
      kind: 'Kustomization' as const,
      name: '*',
      ...(named && { namespace: named }),
    }));
  const alert = (namespace: string) => ({ audit: {}, eventSources: sources(namespace) });
  await world.alert({ provider: { address: ours.url }, alert: alert(other) });
  await world.alert({
    provider: { address: theirs.url },
    alert: alert(world.namespace),
    namespace: other,
  });
  const publish = async (namespace: string) => publishRecord(world.bus, namespace);
  const records: AuditRecord[] = [];
  for (let i = 0; i < 4; i++) {
    records.push(await publish(world.namespace), await publish(other));
  }
  for (const record of records) {
    const isTheirs = record.object.namespace === other;
    await (isTheirs ? theirs : ours).waitFor(withRecord(record));
  }
  // What is matched comes in order: had something else been sent, it would be here by now.
  await ours.waitFor(withRecord(await publish(world.namespace)));
  await theirs.waitFor(withRecord(await publish(other)));
  const told = (service: WebhookReceiver) =>
    new Set(service.requests.map(({ body }) => JSON.parse(body).object.namespace));
  expect(told(ours)).toEqual(new Set([world.namespace]));
  expect(told(theirs)).toEqual(new Set([other]));
});
