import { randomBytes } from 'node:crypto';
import { silentLogger } from '@sluice/shared/base';
import { type Bus, connectBus, streamName, streams, streamsOwnedBy } from '@sluice/shared/bus';
import { testCluster } from '@sluice/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { busMemory } from '../../src/memory/bus-memory.ts';
import type { Place } from '../../src/memory/memory.ts';

let buses: Bus[];

beforeAll(async () => {
  const { natsUrl } = await testCluster();
  const prefix = `m${randomBytes(5).toString('hex')}`;
  buses = ['one', 'two'].map((name) =>
    connectBus({
      url: natsUrl,
      prefix,
      name,
      owns: streamsOwnedBy('notification-controller'),
      logger: silentLogger,
    }),
  );
  await Promise.all(buses.map((bus) => bus.ready(AbortSignal.timeout(30_000))));
});

afterAll(async () => {
  const [bus] = buses;
  const { manager } = await (bus as Bus).ready(AbortSignal.timeout(10_000));
  for (const id of Object.keys(streams) as (keyof typeof streams)[]) {
    await manager.streams.delete(streamName((bus as Bus).prefix, id));
  }
  await Promise.all(buses.map((each) => each.close()));
});

const placeOf = (key: string): Place => ({
  alert: { namespace: 'apps', name: 'a.b' },
  what: 'threshold',
  key,
});

describe('what alerts remember on the bus', () => {
  test('is changed by two processes as by one', async () => {
    const memories = buses.map((bus) => busMemory(bus));
    const place = placeOf('counter');
    const add = (i: number) => memories[i % 2]?.change<number>(place, (n = 0) => n + 1);
    await Promise.all(Array.from({ length: 40 }, (_, i) => add(i)));
    for (const memory of memories) expect(await memory.read(place)).toBe(40);
  });

  test('stays as it is, or is forgotten, and begins anew', async () => {
    const [one, two] = buses.map((bus) => busMemory(bus));
    const place = placeOf('a note');
    expect(await one?.change<string>(place, () => null)).toBeUndefined();
    await one?.change(place, () => 'x');
    expect(await two?.change<string>(place, () => undefined)).toBe('x');
    expect(await two?.change<string>(place, () => null)).toBeUndefined();
    expect(await one?.read(place)).toBeUndefined();
    expect(await one?.change<string>(place, (text = 'new') => text)).toBe('new');
  });
});
