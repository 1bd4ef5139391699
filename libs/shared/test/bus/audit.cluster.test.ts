import type { AuditRecord } from '@sluice/shared/api';
import { silentLogger } from '@sluice/shared/base';
import {
  type AuditOutbox,
  auditRecords,
  type Bus,
  createAuditSink,
  streamName,
  streamUse,
} from '@sluice/shared/bus';
import { type NatsServer, startNats, temporaryFolder } from '@sluice/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { busAt } from './helpers.ts';

let nats: NatsServer;
let folder: { path: string; remove(): Promise<void> };
let bus: Bus;
let sink: AuditOutbox;

beforeEach(async () => {
  nats = await startNats();
  folder = await temporaryFolder('audit');
  bus = busAt(nats.url);
  sink = open();
});

afterEach(async () => {
  await sink.close();
  await bus.close();
  await nats.stop();
  await folder.remove();
});

const open = () =>
  createAuditSink(bus, {
    dir: folder.path,
    logger: silentLogger,
    minRetryDelayMs: 5,
    maxRetryDelayMs: 100,
  });

const object = { kind: 'Kustomization', namespace: 'apps', name: 'web', uid: '1' };

const recordOf = (id: string, change: Partial<AuditRecord> = {}): AuditRecord => ({
  id,
  time: '2026-01-01T00:00:00Z',
  action: 'apply',
  phase: 'begins',
  object,
  who: { controller: 'kustomize-controller' },
  ...change,
});

const idsOf = async (limit = 100) => {
  const records = await auditRecords(bus, object, { limit });
  return records.map(({ id }) => id);
};

test('records of an object are read newest first, as many as are asked for, and once each', async () => {
  await bus.ready();
  for (const id of ['a', 'b', 'a', 'c', 'd']) await sink.publish(recordOf(id));
  await sink.publish(recordOf('other', { object: { ...object, name: 'web.2' } }));
  await sink.flush();
  expect(await idsOf()).toEqual(['d', 'c', 'b', 'a']);
  expect(await idsOf(2)).toEqual(['d', 'c']);
  const [first] = await auditRecords(bus, object, { limit: 1 });
  expect(first).toEqual(recordOf('d'));
});

test('records made while NATS is away wait on disk, also for the next process', async () => {
  await bus.ready();
  await nats.kill();
  await sink.publish(recordOf('a'));
  await sink.close();
  sink = open();
  await sink.publish(recordOf('b'));
  expect(sink.depth()).toBe(2);
  await nats.restart();
  await sink.flush();
  expect(await idsOf()).toEqual(['b', 'a']);
});

test('nothing can be deleted or purged, whoever asks', async () => {
  const { manager } = await bus.ready();
  await sink.publish(recordOf('a'));
  await sink.flush();
  const stream = streamName(bus.prefix, 'audit');
  const { last } = await streamUse(bus, 'audit');
  await expect(manager.streams.deleteMessage(stream, last)).rejects.toThrow(/not permitted/);
  await expect(manager.streams.purge(stream)).rejects.toThrow(/not permitted/);
  const { config } = await manager.streams.info(stream);
  const undone = manager.streams.update(stream, {
    ...config,
    deny_delete: false,
    deny_purge: false,
  });
  await expect(undone).rejects.toThrow(/deny/);
  expect(await idsOf()).toEqual(['a']);
});

test('a full stream loses nothing: new records wait until there is room', async () => {
  const { manager } = await bus.ready();
  const stream = streamName(bus.prefix, 'audit');
  const { config } = await manager.streams.info(stream);
  await sink.publish(recordOf('a'));
  await sink.flush();
  const { bytes } = await streamUse(bus, 'audit');
  await manager.streams.update(stream, { ...config, max_bytes: bytes + 10 });
  await sink.publish(recordOf('b'));
  await expect(
    bus.publish({ subject: `${bus.prefix}.audit.x.y.z`, data: {}, id: 'x' }),
  ).rejects.toThrow(/maximum bytes/);
  expect(sink.depth()).toBe(1);
  await manager.streams.update(stream, config);
  await sink.flush();
  expect(await idsOf()).toEqual(['b', 'a']);
});
