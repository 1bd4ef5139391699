import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { silentLogger } from '@sluice/shared/base';
import { BusUnavailableError, connectBus, UnpublishableError } from '@sluice/shared/bus';
import { type NatsServer, startNats, temporaryFolder } from '@sluice/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { allStreams, busAt, eventOf } from './helpers.ts';

/** No wait ends by it within the time of a test. */
const timeoutMs = 600_000;
const subject = (of: string) => `sluice.event.info.K.n.${of}`;
const message = (of: string) => ({ subject: subject(of), data: eventOf(of), id: of, timeoutMs });

let folder: { path: string; remove(): Promise<void> };
let nats: NatsServer | undefined;

beforeEach(async () => {
  folder = await temporaryFolder('publish');
});

afterEach(async () => {
  await nats?.stop();
  await folder.remove();
});

test('messages of one turn are stored in their order, each with its own answer', async () => {
  nats = await startNats();
  const bus = busAt(nats.url, 'sluice');
  await bus.ready();
  const names = Array.from({ length: 300 }, (_, at) => `object-${at}`);
  const stored = await Promise.all(
    [...names, 'object-7'].map((name) => bus.publish(message(name))),
  );
  expect(stored).toEqual([
    ...names.map((_, at) => ({ stream: 'SLUICE_EVENTS', sequence: at + 1, duplicate: false })),
    { stream: 'SLUICE_EVENTS', sequence: 8, duplicate: true },
  ]);
  await bus.close();
});

test('a message that no stream takes is not waited for', async () => {
  nats = await startNats();
  const bus = busAt(nats.url, 'sluice');
  await bus.ready();
  const lost = bus.publish({ ...message('a'), subject: 'elsewhere.a' });
  await expect(lost).rejects.toThrow(BusUnavailableError);
  await expect(lost).rejects.toThrow('no stream takes it');
  await bus.close();
});

test('a message that the user may not publish is refused for good, and others are stored', async () => {
  nats = await startNats({
    config: `authorization: { users: [{ user: me, password: pass, permissions: { publish: { deny: "${subject('b')}" } } }] }`,
  });
  const passwordFile = join(folder.path, 'password');
  await writeFile(passwordFile, 'pass', { mode: 0o600 });
  const login = { user: 'me', passwordFile, logger: silentLogger };
  const bus = connectBus({ url: nats.url, name: 'test', owns: allStreams, ...login });
  await bus.ready();
  const [a, b, c] = await Promise.allSettled(
    ['a', 'b', 'c'].map((name) => bus.publish(message(name))),
  );
  expect(a).toMatchObject({ status: 'fulfilled', value: { sequence: 1 } });
  expect(b).toMatchObject({ status: 'rejected', reason: expect.any(UnpublishableError) });
  expect(c).toMatchObject({ status: 'fulfilled', value: { sequence: 2 } });
  await bus.close();
});

test('a message without an answer is given up after its time', async () => {
  nats = await startNats();
  const bus = busAt(nats.url, 'sluice');
  await bus.ready();
  nats.signal('SIGSTOP');
  const silent = bus.publish({ ...message('a'), timeoutMs: 1 });
  await expect(silent).rejects.toThrow('no answer within 1 ms');
  await expect(silent).rejects.toThrow(BusUnavailableError);
  nats.signal('SIGCONT');
  await bus.close();
});

test('waiting for an answer ends with the connection', async () => {
  nats = await startNats();
  const bus = busAt(nats.url, 'sluice');
  await bus.ready();
  nats.signal('SIGSTOP');
  const lost = expect(bus.publish(message('a'))).rejects.toThrow('the connection was lost');
  await nats.kill();
  await lost;
  await bus.close();
});
