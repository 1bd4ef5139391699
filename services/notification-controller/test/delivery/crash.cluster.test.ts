import {
  type NatsServer,
  receiveWebhooks,
  startNats,
  temporaryFolder,
  type WebhookReceiver,
} from '@sluice/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { runEventKills, seededRandom } from '../event-kills.ts';
import { startWorld, uniqueEvent, type World } from '../world.ts';

let world: World;
let nats: NatsServer;
let service: WebhookReceiver;

beforeEach(async () => {
  service = await receiveWebhooks();
  nats = await startNats();
});

afterEach(async () => {
  await world.end();
  await nats.stop();
  await service.close();
});

const about = (message: string) => (request: { body: string }) => request.body.includes(message);
const controller = () => world.controllers.processes['notification-controller'];

describe('with NATS', () => {
  beforeEach(async () => {
    world = await startWorld({ natsUrl: nats.url });
  });

  test('a delivery that failed goes on after the controller is killed', async () => {
    await world.alert({ provider: { address: service.url } });
    service.respond(500);
    const event = await world.publish();
    await service.waitFor(about(event.message));
    await controller().kill();
    service.requests.length = 0;
    service.respond(200);
    await controller().start();
    // What the killed process held is handed out again after the server's wait for its answer.
    await service.waitFor(about(event.message), { timeoutMs: 40_000 });
  });

  test('events published while the controller is down are delivered once each', async () => {
    await world.alert({ provider: { address: service.url } });
    await controller().kill();
    const events = [];
    for (let i = 0; i < 10; i++) events.push(await world.publish());
    await controller().start();
    for (const event of events) await service.waitFor(about(event.message));
    expect(service.requests).toHaveLength(10);
  });

  test('a repetition is not delivered after a restart', async () => {
    await world.alert({ provider: { address: service.url } });
    const first = await world.publish();
    await service.waitFor(about(first.message));
    await controller().stop();
    await controller().start();
    await world.publish({ message: first.message });
    const last = await world.publish();
    await service.waitFor(about(last.message));
    expect(service.requests.filter(about(first.message))).toHaveLength(1);
  });

  test('events posted while NATS is down are delivered when it returns', async () => {
    await world.alert({ provider: { address: service.url } });
    const before = await world.publish();
    await service.waitFor(about(before.message));
    await nats.kill();
    const events = Array.from({ length: 5 }, () => uniqueEvent(world.namespace));
    for (const event of events) expect(await world.post(event)).toBe(202);
    await nats.restart();
    for (const event of events) await service.waitFor(about(event.message));
    expect(service.requests).toHaveLength(6);
  });
});

describe('events that flow', () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;

  beforeEach(async () => {
    folder = await temporaryFolder('publisher');
    await nats.stop();
    nats = await startNats({ syncAlways: true });
    world = await startWorld({ natsUrl: nats.url });
  });

  afterEach(() => folder.remove());

  const flow = async (o: { kills: number; events: number; seed: number }) => {
    const provider = await world.alert({ provider: { address: service.url } });
    const random = seededRandom(o.seed);
    return runEventKills({
      ...o,
      bus: world.bus,
      dir: folder.path,
      namespace: world.namespace,
      provider,
      service,
      controllers: [controller()],
      nats,
      random,
      // After some more deliveries, which always come: each turn has more events than that.
      moment: async () => {
        const wanted = service.requests.length + Math.floor((random() * o.events) / o.kills / 2);
        await service.waitFor(() => service.requests.length >= wanted, { timeoutMs: 120_000 });
      },
    });
  };

  test('are delivered once each while nothing is killed', async () => {
    const result = await flow({ kills: 0, events: 200, seed: 1 });
    expect(result).toMatchObject({ delivered: 200, deadLettered: 0, duplicates: 0, lost: [] });
  });

  test('are delivered at least once while controller and NATS are killed', async () => {
    const result = await flow({ kills: 6, events: 300, seed: 9 });
    expect(result.delivered + result.deadLettered).toBe(300);
    expect(result.lost).toEqual([]);
    expect(Object.values(result.kills).every((times) => times > 0)).toBe(true);
  }, 300_000);
});

describe('without NATS', () => {
  beforeEach(async () => {
    world = await startWorld({ nats: false, natsUrl: nats.url });
  });

  test('posted events are delivered, also after a kill', async () => {
    await world.alert({ provider: { address: service.url } });
    service.respond(500);
    const event = uniqueEvent(world.namespace);
    expect(await world.post(event)).toBe(202);
    await service.waitFor(about(event.message));
    await controller().kill();
    service.requests.length = 0;
    service.respond(200);
    await controller().start();
    await service.waitFor(about(event.message));
    const second = uniqueEvent(world.namespace);
    expect(await world.post(second)).toBe(202);
    await service.waitFor(about(second.message));
    expect(service.requests.filter(about(event.message))).toHaveLength(1);
  });
});
