import type { KubeObject, Provider } from '@sluice/shared/api';
import { lastMessage } from '@sluice/shared/bus';
import { coreResources } from '@sluice/shared/kube';
import { type Canary, receiveWebhooks, startCanary } from '@sluice/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startWorld, type World } from '../world.ts';

// One address stands for a service out on the Internet, all else of this machine for what is out of bounds.
const within = '127.0.0.2';
let world: World;
let canary: Canary;

beforeAll(async () => {
  canary = await startCanary();
  const args = [`--allow-addresses=${within}`, '--delivery-give-up-after=1s'];
  world = await startWorld({ localNetwork: false, args });
});
afterAll(async () => {
  await world?.end();
  await canary?.close();
});
// Whatever a test did, nothing may have arrived.
afterEach(async () => {
  await world.clear();
  expect(canary.reached()).toBe(0);
});

const hosts = ['127.0.0.1', 'localhost', '[::1]', '0.0.0.0', '[::ffff:7f00:1]', '169.254.169.254'];
const inside = (host = '127.0.0.1') => `http://${host}:${canary.port}`;

/** Expects that a delivery is given up at once, and that the event and the dead letter say why. */
async function refused(
  provider: Partial<Provider['spec']>,
  o: { secret?: Record<string, string>; field?: string } = {},
) {
  const alert = await world.alert({ provider, secret: o.secret });
  await world.publish();
  const message = new RegExp(`${o.field ?? 'spec.address'} cannot be used: .* address.* refused`);
  expect((await world.failureOf(alert)).message).toMatch(message);
  const subject = `${world.bus.prefix}.deadletter.${world.namespace}.${alert}`;
  const letter = (await lastMessage(world.bus, 'deadletter', subject))?.data;
  expect(letter).toMatchObject({ error: expect.stringMatching(message), attempts: 1 });
}

describe('at a refused address, nothing is told by', () => {
  it.each(hosts)('a Provider whose address is at %s', (host) =>
    refused({ address: `${inside(host)}/services/x` }),
  );

  it.each(['slack', 'alertmanager', 'generic-hmac'] as const)('a Provider of type %s', (type) =>
    refused({ type, address: inside() }, { secret: { token: 'any' } }),
  );

  it('a Provider whose Secret holds the address', () =>
    refused({}, { secret: { address: inside() } }));

  it('a Provider with a proxy, of its spec or of a Secret', async () => {
    const address = 'http://hooks.example.com/x';
    const field = 'the proxy address';
    await refused({ address, proxy: inside() }, { field });
    await world.client.create(coreResources.secrets, {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'proxy', namespace: world.namespace },
      stringData: { address: inside() },
    } as KubeObject);
    await refused({ address, proxySecretRef: { name: 'proxy' } }, { field });
  });

  it('a Provider that is redirected', async () => {
    const service = await receiveWebhooks({ host: within });
    try {
      service.respond({ status: 307, headers: { location: inside() } });
      const alert = await world.alert({ provider: { address: service.url } });
      await world.publish();
      expect((await world.failureOf(alert)).message).toContain('status 307');
    } finally {
      await service.close();
    }
  });
});

it('a service within reach is told', async () => {
  const service = await receiveWebhooks({ host: within });
  try {
    await world.alert({ provider: { address: service.url } });
    const event = await world.publish();
    await service.waitFor(({ body }) => body.includes(event.message));
  } finally {
    await service.close();
  }
});
