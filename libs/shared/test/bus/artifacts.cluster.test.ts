import type { ArtifactNotice } from '@sluice/shared/api';
import {
  type Bus,
  createArtifactAnnouncer,
  lastMessage,
  onArtifacts,
  type Subscription,
} from '@sluice/shared/bus';
import { type NatsServer, startNats } from '@sluice/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
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

/** Resolves once the server knows of the listener. */
async function listen(to: Bus = bus): Promise<Collected<string>> {
  const seen = new Collected<string>();
  const add = (notice: ArtifactNotice) => seen.add(`${notice.name}@${notice.artifact.revision}`);
  subscriptions.push(onArtifacts(to, add));
  const { nats: connection } = await to.ready();
  await connection.flush();
  return seen;
}

describe('announced artifacts', () => {
  test('reach each listener one by one, and the stream keeps the last of each source', async () => {
    const announcer = createArtifactAnnouncer(bus);
    const [first, second] = [await listen(), await listen()];
    for (const notice of [noticeOf('a', '1'), noticeOf('a', '2'), noticeOf('b', '1')])
      announcer.announce(notice);
    const want = ['a@1', 'a@2', 'b@1'];
    expect(await first.until((values) => values.length === 3)).toEqual(want);
    expect(await second.until((values) => values.length === 3)).toEqual(want);
    const subject = `${bus.prefix}.artifact.GitRepository.apps.a`;
    expect((await lastMessage(bus, 'artifacts', subject))?.data).toMatchObject({
      artifact: { revision: '2' },
    });
  });

  test('reach listeners when nobody makes streams', async () => {
    const prefix = `alone${Date.now()}`;
    const [from, to] = [busAt(nats.url, prefix, []), busAt(nats.url, prefix, [])];
    try {
      const seen = await listen(to);
      await from.ready();
      createArtifactAnnouncer(from).announce(noticeOf('a', '1'));
      expect(await seen.until((values) => values.length === 1)).toEqual(['a@1']);
    } finally {
      await Promise.all([from.close(), to.close()]);
    }
  });

  test('while NATS is away wait, the last of each source', async () => {
    const announcer = createArtifactAnnouncer(bus);
    const seen = await listen();
    await nats.kill();
    await vi.waitUntil(() => !bus.status().ready, { timeout: 60_000 });
    announcer.announce(noticeOf('a', '1'));
    announcer.announce(noticeOf('a', '2'));
    await nats.restart();
    expect(await seen.until((values) => values.length === 1)).toEqual(['a@2']);
  });

  test('go on when one has a name that is none', async () => {
    const announcer = createArtifactAnnouncer(bus);
    const seen = await listen();
    announcer.announce(noticeOf('a b', '1'));
    announcer.announce(noticeOf('a', '1'));
    expect(await seen.until((values) => values.length === 1)).toEqual(['a@1']);
  });
});
