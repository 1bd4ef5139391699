import { type NatsServer, receiveWebhooks, startNats, type WebhookReceiver } from '@sluice/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
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
