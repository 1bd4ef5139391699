import { receiveWebhooks, type WebhookReceiver } from '@sluice/testing';
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import { startWorld, type World, type WorldOptions } from './world.ts';

/**
 * A world for the tests of a file or block, without Alerts at the start of each, and for each a service that takes
 * webhooks.
 */
export function useWorld(o: WorldOptions = {}): {
  readonly world: World;
  readonly service: WebhookReceiver;
} {
  let world: World;
  let service: WebhookReceiver;
  beforeAll(async () => {
    world = await startWorld(o);
  });
  afterAll(() => world.end());
  beforeEach(async () => {
    service = await receiveWebhooks();
  });
  afterEach(async () => {
    await world.clear();
    await service.close();
  });
  return {
    get world() {
      return world;
    },
    get service() {
      return service;
    },
  };
}
