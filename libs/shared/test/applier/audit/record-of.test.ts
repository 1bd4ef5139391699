import type { AuditRecord } from '@sluice/shared/api';
import { type AuditEntry, createAudit } from '@sluice/shared/applier';
import { silentLogger } from '@sluice/shared/base';
import { expect, test } from 'vitest';

const object = {
  apiVersion: 'kustomize.toolkit.fluxcd.io/v1',
  kind: 'Kustomization',
  metadata: { namespace: 'apps', name: 'web', uid: '1-2-3' },
};

async function recorded(...entries: Partial<AuditEntry>[]): Promise<AuditRecord[]> {
  const records: AuditRecord[] = [];
  const audit = createAudit({
    sink: { publish: async (record) => void records.push(record) },
    controllerName: 'kustomize-controller',
    logger: silentLogger,
  });
  for (const entry of entries)
    await audit.record({ action: 'apply', object, occasion: ['a'], ...entry });
  return records;
}

const configMap = (name: string, fields?: string[]) => ({
  kind: 'ConfigMap',
  namespace: 'apps',
  name,
  action: 'changed',
  ...(fields && { fields }),
});

test('a record says who, what and why, with the author of the commit', async () => {
  const [record] = await recorded({
    phase: 'begins',
    revision: 'main@sha1:1',
    author: 'Ada',
    users: ['grace'],
    what: { after: 'sha256:01', objects: [configMap('a', ['data["x"]'])] },
    why: { mode: 'Approve', approvals: ['yes'], text: 'CHG-1' },
  });
  expect(record).toEqual({
    id: expect.stringMatching(/^[0-9a-f]{64}\.begins$/),
    time: expect.stringMatching(/Z$/),
    action: 'apply',
    phase: 'begins',
    object: { kind: 'Kustomization', namespace: 'apps', name: 'web', uid: '1-2-3' },
    revision: 'main@sha1:1',
    who: { controller: 'kustomize-controller', author: 'Ada', users: ['grace'] },
    what: { after: 'sha256:01', count: 1, objects: [configMap('a', ['data["x"]'])] },
    why: { mode: 'Approve', approvals: ['yes'], text: 'CHG-1' },
  });
});

test('the id is the same for a retry, and another one for anything else', async () => {
  const ids = (
    await recorded(
      {},
      {},
      { occasion: ['b'] },
      { occasion: ['a', undefined] },
      { phase: 'begins' },
      { phase: 'ended', result: 'failed' },
      { phase: 'ended', result: 'succeeded' },
      { action: 'prune' },
      { object: { ...object, metadata: { ...object.metadata, uid: '4' } } },
    )
  ).map(({ id }) => id);
  expect(ids[0]).toBe(ids[1]);
  expect(new Set(ids).size).toBe(ids.length - 1);
});

test('a record stays below 16 KiB, whatever it is made of, and counts what it leaves out', async () => {
  const fields = Array.from({ length: 500 }, (_, i) => `data["${'k'.repeat(1000)}${i}"]`);
  const objects = Array.from({ length: 5000 }, (_, i) => configMap(`cm-${i}`, fields));
  const [record] = await recorded({
    revision: 'r'.repeat(100_000),
    users: Array.from({ length: 1000 }, () => 'u'.repeat(10_000)),
    what: { objects },
    why: { text: 'ä\u0000'.repeat(100_000) },
  });
  expect(Buffer.byteLength(JSON.stringify(record))).toBeLessThan(16 * 1024);
  const { what } = record as AuditRecord;
  expect(what?.count).toBe(5000);
  expect((what?.objects?.length ?? 0) + (what?.omitted ?? 0)).toBe(5000);
});

test('a sink that fails is logged and fails nothing', async () => {
  const audit = createAudit({
    sink: { publish: () => Promise.reject(new Error('the disk is full')) },
    controllerName: 'test',
    logger: silentLogger,
  });
  await expect(audit.record({ action: 'apply', object, occasion: [] })).resolves.toBeUndefined();
});

test('without NATS nothing is recorded', () => {
  const audit = createAudit({ sink: undefined, controllerName: 'test', logger: silentLogger });
  expect(audit.enabled).toBe(false);
});
