import { randomBytes } from 'node:crypto';
import { silentLogger } from '@sluice/shared/base';
import { type Bus, connectBus, streamsOwnedBy } from '@sluice/shared/bus';
import { type NatsServer, startNats } from '@sluice/testing';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { busDeliveredLog, type DeliveredLog } from '../../src/delivery/delivered.ts';

const windowMs = 5 * 60_000;

let nats: NatsServer;
let prefix: string;
let buses: Bus[];
let logs: DeliveredLog[];

beforeEach(async () => {
  nats = await startNats();
  prefix = `d${randomBytes(5).toString('hex')}`;
  buses = [];
  logs = [];
});

afterEach(async () => {
  await Promise.all(logs.map((log) => log.close()));
  await Promise.all(buses.map((bus) => bus.close()));
  await nats.stop();
});

/** The log of a process of its own. */
async function logOf(name: string): Promise<DeliveredLog> {
  const bus = connectBus({
    url: nats.url,
    prefix,
    name,
    owns: streamsOwnedBy('notification-controller'),
    logger: silentLogger,
  });
  buses.push(bus);
  await bus.ready(AbortSignal.timeout(30_000));
  const log = busDeliveredLog(bus, windowMs);
  logs.push(log);
  return log;
}

const delivery = (key: string) => ({ alert: { namespace: 'apps', name: 'a.b' }, key });
const knows = (log: DeliveredLog, key: string) =>
  vi.waitUntil(() => log.wasDelivered(delivery(key)), { timeout: 30_000 });

test('what one process delivered the others know, at once or from their start', async () => {
  const [one, two] = [await logOf('one'), await logOf('two')];
  expect(await one.wasDelivered(delivery('x'))).toBe(false);
  await one.record(delivery('x'));
  expect(await one.wasDelivered(delivery('x'))).toBe(true);
  await knows(two, 'x');
  const three = await logOf('three');
  expect(await three.wasDelivered(delivery('x'))).toBe(true);
  expect(await three.wasDelivered(delivery('y'))).toBe(false);
});

test('what was delivered while NATS was away is known here, and to the next process once it is back', async () => {
  const one = await logOf('one');
  await nats.kill();
  await one.record(delivery('x'));
  expect(await one.wasDelivered(delivery('x'))).toBe(true);
  await nats.restart();
  await knows(await logOf('two'), 'x');
});
