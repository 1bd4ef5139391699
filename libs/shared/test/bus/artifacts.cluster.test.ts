import type { ArtifactNotice } from '@sluice/shared/api';
import {
  type Bus,
  createArtifactAnnouncer,
  onArtifacts,
  type Subscription,
} from '@sluice/shared/bus';
import { type NatsServer, startNats } from '@sluice/shared/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { busAt, Collected, dispose, noticeOf } from './helpers.ts';

let nats: NatsServer;
let bus: Bus;
let subscriptions: Subscription[];

beforeAll(async () => {
  nats = await startNats();
});

afterAll(() => nats.stop());

beforeEach(() => {
  bus = busAt(nats.url);
  subscriptions = [];
});

afterEach(async () => {
  await Promise.all(subscriptions.map((subscription) => subscription.stop()));
  await dispose(bus);
});

function listen(): Collected<string> {
  const seen = new Collected<string>();
  const add = (notice: ArtifactNotice) => seen.add(`${notice.name}@${notice.artifact.revision}`);
  subscriptions.push(onArtifacts(bus, add));
  return seen;
}

describe('announced artifacts', () => {
  test('reach a later listener as the last of each source, then one by one', async () => {
    await bus.ready();
    const announcer = createArtifactAnnouncer(bus);
    const early = listen();
    announcer.announce(noticeOf('a', '1'));
    announcer.announce(noticeOf('a', '2'));
    announcer.announce(noticeOf('b', '1'));
    await early.until((values) => values.includes('a@2') && values.includes('b@1'));

    const late = listen();
    expect([...(await late.until((values) => values.length === 2))].sort()).toEqual(['a@2', 'b@1']);
    announcer.announce(noticeOf('a', '3'));
    expect((await late.until((values) => values.length === 3))[2]).toBe('a@3');
  });

  test('while NATS is away wait, the last of each source', async () => {
    await bus.ready();
    await nats.kill();
    const announcer = createArtifactAnnouncer(bus);
    const seen = listen();
    announcer.announce(noticeOf('a', '1'));
    announcer.announce(noticeOf('a', '2'));
    await nats.restart();
    await seen.until((values) => values.at(-1) === 'a@2');
  });

  test('go on when their stream is deleted', async () => {
    const { manager } = await bus.ready();
    const announcer = createArtifactAnnouncer(bus);
    const seen = listen();
    announcer.announce(noticeOf('a', '1'));
    await seen.until((values) => values.length === 1);
    await manager.streams.delete(`${bus.prefix.toUpperCase()}_ARTIFACTS`);
    announcer.announce(noticeOf('a', '2'));
    await bus.repair();
    announcer.announce(noticeOf('a', '3'));
    await seen.until((values) => values.includes('a@3'));
  });
});
