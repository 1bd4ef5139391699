import { type Bus, type Following, type FollowOptions, follow } from '@sluice/shared/bus';
import { type NatsServer, startNats } from '@sluice/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { busAt, Collected, dispose } from './helpers.ts';

let nats: NatsServer;
let bus: Bus;
let heard: Collected<string>;
let followings: Following[];

beforeEach(async () => {
  nats = await startNats();
  bus = busAt(nats.url);
  heard = new Collected();
  followings = [];
  await bus.ready();
});

afterEach(async () => {
  await Promise.all(followings.map((each) => each.close()));
  await dispose(bus);
  await nats.stop();
});

function start(options: Partial<FollowOptions> = {}): Following {
  const following = follow(bus, {
    stream: 'alerting',
    onReset: () => heard.add('reset'),
    onMessage: ({ subject, data }) => heard.add(`${subject.split('.').at(-1)}=${data()}`),
    ...options,
  });
  followings.push(following);
  return following;
}

let published = 0;
const publish = (key: string, data: string, what = 'incident') =>
  bus.publish({
    subject: `${bus.prefix}.alerting.apps.alert.${what}.${key}`,
    data,
    id: `m${published++}`,
  });

const until = (value: string) => heard.until((values) => values.includes(value));

test('tells what there is, the last of each subject, and what comes', async () => {
  await publish('a', 'old');
  await publish('a', '1');
  await publish('b', '2');
  const following = start();
  expect(await until('b=2')).toEqual(['reset', 'a=1', 'b=2']);
  expect(following.isCurrent()).toBe(true);
  await publish('a', '3');
  expect(await until('a=3')).toEqual(['reset', 'a=1', 'b=2', 'a=3']);
});

test('is current without any messages, and tells of its subjects only', async () => {
  await publish('x', '0', 'group');
  const following = start({ filterSubject: `${bus.prefix}.alerting.*.*.incident.*` });
  while (!following.isCurrent()) await new Promise((resolve) => setImmediate(resolve));
  await publish('x', '1', 'group');
  await publish('a', '2');
  expect(await until('a=2')).toEqual(['reset', 'a=2']);
});

test('leaves out what is older than it wants to know', async () => {
  for (let i = 0; i < 20; i++) await publish(`old${i}`, '1');
  const oldMs = await storedAt('old19');
  let newMs = oldMs;
  while (newMs === oldMs) {
    await publish('new', '2');
    newMs = await storedAt('new');
  }
  await publish('newer', '3');
  start({ pastMs: 0, now: () => newMs });
  expect(await until('newer=3')).toEqual(['reset', 'new=2', 'newer=3']);
});

async function storedAt(key: string): Promise<number> {
  const { manager } = await bus.ready();
  const found = await manager.direct.getMessage(`${bus.prefix.toUpperCase()}_ALERTING`, {
    last_by_subj: `${bus.prefix}.alerting.apps.alert.incident.${key}`,
  });
  if (found === null) throw new Error(`nothing is stored of ${key}`);
  return found.time.getTime();
}

test('begins anew after the server was killed', async () => {
  await publish('a', '1');
  const following = start();
  await until('a=1');
  await nats.kill();
  while (bus.status().ready) await new Promise((resolve) => setImmediate(resolve));
  expect(following.isCurrent()).toBe(false);
  await nats.restart();
  await bus.ready();
  await publish('b', '2');
  const values = await until('b=2');
  expect(values.slice(0, 2)).toEqual(['reset', 'a=1']);
  expect(values.lastIndexOf('reset')).toBeGreaterThan(0);
  expect(values.slice(values.lastIndexOf('reset'))).toContain('a=1');
});

test('begins anew with a stream that was made again', async () => {
  for (const key of ['a', 'b', 'c']) await publish(key, '1');
  start();
  await until('c=1');
  const { manager } = await bus.ready();
  await manager.streams.delete(`${bus.prefix.toUpperCase()}_ALERTING`);
  await bus.repair();
  await publish('d', '2');
  const values = await until('d=2');
  expect(values.slice(values.lastIndexOf('reset'))).toEqual(['reset', 'd=2']);
});
