import { type KindDefinition, providerKind, replayDeadLettersAnnotation } from '@sluice/shared/api';
import { deadLettersOf } from '@sluice/shared/bus';
import { resourceOf } from '@sluice/shared/kube';
import { type NatsServer, receiveWebhooks, startNats, type WebhookReceiver } from '@sluice/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type OwnCluster, startOwnCluster } from '../own-cluster.ts';
import { startWorld, type World } from '../world.ts';
import { publishRecord, withRecord } from './records.ts';

let world: World;
let nats: NatsServer;
let service: WebhookReceiver;

beforeEach(async () => {
  [service, nats] = await Promise.all([receiveWebhooks(), startNats()]);
});

afterEach(async () => {
  await world.end();
  await Promise.all([nats.stop(), service.close()]);
});

const controller = () => world.controllers.processes['notification-controller'];
const publish = () => publishRecord(world.bus, world.namespace);
const auditAlert = () => world.alert({ provider: { address: service.url }, alert: { audit: {} } });
const timesOf = (record: Parameters<typeof withRecord>[0]) =>
  service.requests.filter(withRecord(record)).length;

describe('audit records', () => {
  beforeEach(async () => {
    world = await startWorld({ natsUrl: nats.url });
  });

  test('of while the controller is down are sent afterwards, once each', async () => {
    await auditAlert();
    const first = await publish();
    await service.waitFor(withRecord(first));
    await controller().kill();
    const records = [];
    for (let i = 0; i < 20; i++) records.push(await publish());
    await controller().start();
    for (const record of records) await service.waitFor(withRecord(record));
    expect([first, ...records].map(timesOf)).toEqual(Array(21).fill(1));
  });

  test('that a killed process had begun to send are sent by the next', async () => {
    await auditAlert();
    service.respond(500);
    const record = await publish();
    await service.waitFor(withRecord(record));
    await controller().kill();
    service.requests.length = 0;
    service.respond(200);
    await controller().start();
    // What the killed process held is handed out again after the server's wait for its answer.
    await service.waitFor(withRecord(record), { timeoutMs: 40_000 });
  });

  test('are sent once each by two replicas, and go on when NATS is back', async () => {
    await auditAlert();
    await world.replica();
    const records = [];
    for (let i = 0; i < 30; i++) records.push(await publish());
    for (const record of records) await service.waitFor(withRecord(record));
    expect(records.map(timesOf)).toEqual(Array(30).fill(1));
    await nats.kill();
    await nats.restart();
    await world.bus.ready(AbortSignal.timeout(30_000));
    const record = await publish();
    await service.waitFor(withRecord(record), { timeoutMs: 40_000 });
  });
});

describe('an audit record that is given up', () => {
  // Every notification-controller that sees a Provider replays what its own NATS has.
  let cluster: OwnCluster;

  beforeAll(async () => {
    cluster = await startOwnCluster();
  });
  afterAll(() => cluster.stop());
  beforeEach(async () => {
    const args = ['--delivery-give-up-after=1s'];
    world = await startWorld({ cluster, natsUrl: nats.url, args });
  });

  test('is a dead letter, and sent when it is replayed', async () => {
    const name = await auditAlert();
    service.respond(503);
    const record = await publish();
    expect((await world.failureOf(name)).message).toContain('503');
    const { bus, namespace, client } = world;
    const signal = AbortSignal.timeout(20_000);
    const letters = [];
    for await (const { data } of deadLettersOf(bus, { namespace, provider: name, signal }))
      letters.push(data);
    expect(letters).toMatchObject([{ delivery: { record } }]);
    service.requests.length = 0;
    service.respond(200);
    await client.patch(
      resourceOf(providerKind as KindDefinition),
      { namespace, name },
      { metadata: { annotations: { [replayDeadLettersAnnotation]: 'now' } } },
      { type: 'merge' },
    );
    const request = await service.waitFor(withRecord(record));
    expect(JSON.parse(request.body)).toEqual(record);
  });
});
