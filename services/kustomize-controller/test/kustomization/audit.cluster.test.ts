import { type AuditRecord, suspendByAnnotation, suspendReasonAnnotation } from '@sluice/shared/api';
import { createAudit } from '@sluice/shared/applier';
import { silentLogger } from '@sluice/shared/base';
import {
  type AuditOutbox,
  auditRecords,
  type Bus,
  connectBus,
  createAuditSink,
} from '@sluice/shared/bus';
import { isNotFound, type KubeClient } from '@sluice/shared/kube';
import { type NatsServer, startNats, temporaryFolder, until, untilGone } from '@sluice/testing';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type Bed, configMap, configMaps, startBed } from './harness.ts';

let nats: NatsServer;
let folder: { path: string; remove(): Promise<void> };
let bus: Bus;
let outbox: AuditOutbox;
let bed: Bed;
/** Whether the ConfigMap that a record is about was there when the record was made, by its id. */
const wasThere = new Map<string, boolean>();
/** Writes that are still to be cut off. */
let cuts = 0;

beforeAll(async () => {
  nats = await startNats();
  folder = await temporaryFolder('audit');
  const logger = silentLogger;
  bus = connectBus({ url: nats.url, name: 'test', owns: ['audit'], logger });
  outbox = createAuditSink(bus, { dir: folder.path, logger, minRetryDelayMs: 5 });
  const sink = {
    async publish(record: AuditRecord) {
      const [first] = record.what?.objects ?? [];
      if (first !== undefined) wasThere.set(record.id, await isThere(first.name));
      await outbox.publish(record);
    },
  };
  const audit = createAudit({ sink, controllerName: 'kustomize-controller', logger });
  bed = await startBed(['--min-retry-delay=100ms'], { audit, wrap: cutting });
});
afterAll(async () => {
  await bed.stop();
  await outbox.close();
  await bus.close();
  await nats.stop();
  await folder.remove();
});

function cutting(client: KubeClient): KubeClient {
  return new Proxy(client, {
    get(target, name) {
      const value = Reflect.get(target, name, target) as unknown;
      if (typeof value !== 'function') return value;
      if (name !== 'apply') return value.bind(target);
      return async (...args: unknown[]) => {
        const options = args[2] as { dryRun?: boolean } | undefined;
        if (cuts > 0 && options?.dryRun !== true) {
          cuts--;
          throw new Error('the connection was cut');
        }
        return value.apply(target, args);
      };
    },
  });
}

async function isThere(name: string): Promise<boolean> {
  try {
    await bed.client.get(configMaps, { namespace: bed.namespace, name });
    return true;
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
}

async function trail(name: string): Promise<AuditRecord[]> {
  await outbox.flush();
  const object = { kind: 'Kustomization', namespace: bed.namespace, name };
  return (await auditRecords(bus, object, { limit: 100 })).reverse();
}

const said = (records: AuditRecord[]) =>
  records.map(({ action, phase, result }) =>
    [action, phase, ...(result ? [result] : [])].join(' '),
  );

const of = (name: string) => ({ sourceRef: { kind: 'ExternalArtifact' as const, name } });

test('an apply, its pruning and a correction make one record each before they begin', async () => {
  const { client, namespace } = bed;
  const name = 'one';
  await bed.publish({ 'a.yaml': configMap('one-a', { k: 'v' }) }, 'r1', name);
  await bed.apply(of(name), name);
  await bed.ready('r1', name);
  await bed.annotate({ 'reconcile.fluxcd.io/requestedAt': 'now' }, name);
  await bed.when((object) => object.status?.lastHandledReconcileAt === 'now', name);
  const first = await trail(name);
  expect(said(first)).toEqual(['apply begins', 'apply ended succeeded']);
  expect(wasThere.get(first[0]?.id ?? '')).toBe(false);
  expect(first[0]).toMatchObject({
    revision: 'r1',
    what: { count: 1, objects: [{ kind: 'ConfigMap', namespace, name: 'one-a', action: 'apply' }] },
  });

  await bed.publish({ 'b.yaml': configMap('one-b', { k: 'v' }) }, 'r2', name);
  await bed.ready('r2', name);
  await untilGone(client, configMaps, { namespace, name: 'one-a' });
  const second = (await trail(name)).slice(first.length);
  expect(said(second)).toEqual([
    'apply begins',
    'apply ended succeeded',
    'prune begins',
    'prune ended succeeded',
  ]);
  expect(wasThere.get(second[2]?.id ?? '')).toBe(true);

  const key = { namespace, name: 'one-b' };
  const byHand = { type: 'merge', fieldManager: 'kubectl-edit' } as const;
  await client.patch(configMaps, key, { data: { k: 'other' } }, byHand);
  await bed.event((event) => event.reason === 'DriftCorrected');
  const third = (await trail(name)).slice(first.length + second.length);
  expect(said(third)).toEqual(['drift-correction begins']);
  expect(third[0]?.what?.objects).toMatchObject([
    { name: 'one-b', fields: [expect.stringMatching(/^data/)] },
  ]);
});

test('an apply that is cut off after its record and tried again makes no second one', async () => {
  const name = 'cut';
  await bed.publish({ 'a.yaml': configMap('cut-a') }, 'r1', name);
  cuts = 2;
  await bed.apply({ ...of(name), retryInterval: '1s' }, name);
  await bed.ready('r1', name);
  expect(cuts).toBe(0);
  const records = await trail(name);
  expect(said(records).filter((text) => text === 'apply begins')).toHaveLength(1);
  expect(said(records).at(-1)).toBe('apply ended succeeded');
});

test('no record holds a value of a Secret', async () => {
  const name = 'secret';
  const secret = (password: string) =>
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'secret-a' },
      stringData: { password },
    });
  await bed.publish({ 'a.yaml': secret('tops3cret-one') }, 'r1', name);
  await bed.apply(of(name), name);
  await bed.ready('r1', name);
  await bed.publish({ 'a.yaml': secret('tops3cret-two') }, 'r2', name);
  await bed.ready('r2', name);
  const records = await trail(name);
  expect(said(records).filter((text) => text === 'apply begins')).toHaveLength(2);
  const text = JSON.stringify(records);
  for (const value of ['tops3cret-one', 'tops3cret-two']) {
    expect(text).not.toContain(value);
    expect(text).not.toContain(Buffer.from(value).toString('base64'));
  }
});

test('a suspension and its end are recorded, with who asked for it and why', async () => {
  const name = 'held';
  await bed.publish({ 'a.yaml': configMap('held-a') }, 'r1', name);
  await bed.apply(of(name), name);
  await bed.ready('r1', name);
  await bed.annotate({ [suspendByAnnotation]: 'ada', [suspendReasonAnnotation]: 'moving' }, name);
  await bed.patch({ suspend: true }, name);
  await vi.waitFor(async () => expect(said(await trail(name))).toContain('suspend noted'));
  await bed.patch({ suspend: false }, name);
  await vi.waitFor(async () => expect(said(await trail(name))).toContain('resume noted'));
  const suspension = (await trail(name)).find(({ action }) => action === 'suspend');
  expect(suspension).toMatchObject({ who: { users: ['ada'] }, why: { text: 'moving' } });
});

test('while NATS is away everything goes on, and the records follow', async () => {
  const name = 'away';
  await nats.kill();
  await bed.publish({ 'a.yaml': configMap('away-a') }, 'r1', name);
  await bed.apply(of(name), name);
  await bed.ready('r1', name);
  await until(bed.client, configMaps, { namespace: bed.namespace, name: 'away-a' }, () => true);
  expect(outbox.depth()).toBeGreaterThan(0);
  await nats.restart();
  expect(said(await trail(name))).toEqual(['apply begins', 'apply ended succeeded']);
});
