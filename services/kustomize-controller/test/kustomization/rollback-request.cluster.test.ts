import {
  type Approval,
  type AuditRecord,
  approvalKind,
  type KubeObject,
  type Kustomization,
  rollbackByAnnotation,
  rollbackFromAnnotation,
  rollbackReasonAnnotation,
  rollbackRequestAnnotation,
  type Snapshot,
  snapshotKind,
} from '@sluice/shared/api';
import { createAudit } from '@sluice/shared/applier';
import { silentLogger } from '@sluice/shared/base';
import { isNotFound, resourceOf } from '@sluice/shared/kube';
import { assertStatusContract } from '@sluice/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type Bed,
  conditionOf,
  configMap,
  configMaps,
  kustomizations,
  startBed,
  stuck,
} from './harness.ts';

type ConfigMap = KubeObject & { data?: Record<string, string> };

const snapshots = resourceOf(snapshotKind);
const approvals = resourceOf(approvalKind);
const trail: AuditRecord[] = [];

let bed: Bed;
beforeAll(async () => {
  const sink = { publish: async (record: AuditRecord) => void trail.push(record) };
  const audit = createAudit({
    sink,
    controllerName: 'kustomize-controller',
    logger: silentLogger,
  });
  bed = await startBed([], { audit });
});
afterAll(() => bed.stop());

const policy = {
  changePolicy: { rollback: 'LastHealthy' as const },
  wait: true,
  timeout: '2s',
  interval: '10m',
};
const sourceOf = (name: string) => ({ sourceRef: { kind: 'ExternalArtifact' as const, name } });
const files = (name: string, k: string, more: Record<string, string> = {}) => ({
  'a.yaml': configMap(`${name}-a`, { k }),
  ...more,
});
const dataOf = async (name: string) =>
  (await bed.client.get<ConfigMap>(configMaps, { namespace: bed.namespace, name })).data;
const isThere = (name: string) =>
  bed.client.get(configMaps, { namespace: bed.namespace, name }).then(
    () => true,
    (error: unknown) => {
      if (isNotFound(error)) return false;
      throw error;
    },
  );
const eventsOf = (name: string, reason: string) =>
  bed.events.filter((event) => event.involvedObject.name === name && event.reason === reason);
const snapshotsOf = async ({ metadata }: Kustomization) => {
  const { items } = await bed.client.list<Snapshot>(snapshots, { namespace: bed.namespace });
  const own = items.filter((one) => one.metadata.ownerReferences?.[0]?.uid === metadata.uid);
  return own.map(({ spec }) => spec.revision).sort();
};

/** Publishes a revision, and waits until it is healthy and can be gone back to. */
async function healthy(name: string, revision: string, content: Record<string, string>) {
  await bed.publish(content, revision, name);
  if (revision === 'r1') await bed.apply({ ...sourceOf(name), ...policy }, name);
  await bed.ready(revision, name);
  return bed.when(({ status }) => {
    const { healthyRevision, healthySnapshot } = status?.change ?? {};
    return healthyRevision === revision && healthySnapshot !== undefined;
  }, name);
}

async function approve(name: string, planDigest = ''): Promise<void> {
  await bed.client.create<Approval>(approvals, {
    apiVersion: 'delivery.sluice.dev/v1alpha1',
    kind: 'Approval',
    metadata: { name: `${name}-ok`, namespace: bed.namespace },
    spec: { targetRef: { kind: 'Kustomization', name }, planDigest, user: 'lead' },
  });
}

interface Asked {
  at?: string;
  from?: string | undefined;
  reason?: string;
}

/** Asks for a rollback, and waits for the answer. */
async function ask(object: Kustomization, o: Asked = {}): Promise<Kustomization> {
  const { at = 'one', from = object.status?.change?.digest ?? '', reason = 'incident 7' } = o;
  const { name } = object.metadata;
  await bed.annotate(
    {
      [rollbackRequestAnnotation]: at,
      [rollbackFromAnnotation]: from,
      [rollbackReasonAnnotation]: reason,
      [rollbackByAnnotation]: 'jane\u001b[31m',
    },
    name,
  );
  return bed.when(({ status }) => status?.rollback?.requestedAt === at, name);
}

/** Waits until it is gone back from a revision. */
const rolledBack = (name: string) => bed.failed('RolledBack', name);

/** Has the object looked at once more. */
async function again(name: string, when: string) {
  await bed.annotate({ 'reconcile.fluxcd.io/requestedAt': when }, name);
  return bed.when(({ status }) => status?.lastHandledReconcileAt === when, name);
}

test('what was healthy before is applied again when somebody asks for it, once, until something new comes', async () => {
  const name = 'asked';
  const first = await healthy(name, 'r1', files(name, '1', { 'b.yaml': configMap('asked-b') }));
  const second = await healthy(name, 'r2', files(name, '2', { 'c.yaml': configMap('asked-c') }));
  expect(await snapshotsOf(second)).toEqual(['r1', 'r2']);
  await ask(second);
  const object = await rolledBack(name);
  assertStatusContract(object);
  expect(object.status?.lastAppliedRevision).toBe('r1');
  const message =
    'Revision r2 was rolled back by jane (incident 7), and r1 is applied: it is not tried again until something changes';
  expect(conditionOf(object)?.message).toBe(message);
  expect(object.status?.held?.reason).toBe('RolledBack');
  expect(object.status?.rollback).toEqual({ requestedAt: 'one', result: 'Accepted', message });
  expect(object.status?.change).toMatchObject({
    digest: first.status?.change?.digest,
    revision: 'r1',
    refused: second.status?.change?.digest,
  });
  expect(await dataOf('asked-a')).toEqual({ k: '1' });
  expect(await isThere('asked-b')).toBe(true);
  expect(await isThere('asked-c')).toBe(false);
  expect(eventsOf(name, 'RolledBack')).toMatchObject([{ severity: 'error', message }]);
  const record = trail.find(
    ({ action, object: { name: of } }) => action === 'rollback' && of === name,
  );
  expect(record).toMatchObject({
    revision: 'r2',
    who: { users: ['jane'] },
    what: { before: second.status?.change?.digest, after: first.status?.change?.digest },
    why: { text: 'incident 7' },
  });

  // Neither a request nor a restart brings it back, or has it gone back once more.
  await again(name, 'two');
  await bed.restart();
  const still = await again(name, 'three');
  expect(still.status?.change).toEqual(object.status?.change);
  expect(conditionOf(still)?.message).toBe(message);
  expect(await dataOf('asked-a')).toEqual({ k: '1' });
  expect(await snapshotsOf(still)).toEqual(['r1']);
  expect(eventsOf(name, 'RolledBack')).toHaveLength(1);
  const refused = await ask(still, { at: 'more', from: still.status?.change?.digest });
  expect(refused.status?.rollback?.message).toMatch(/no change before revision r1 was healthy/);

  const third = await healthy(name, 'r3', files(name, '3'));
  expect(third.status?.held).toBeUndefined();
  expect(third.status?.change).not.toHaveProperty('refused');
  expect(third.status?.change).not.toHaveProperty('refusedBy');
  expect(await dataOf('asked-a')).toEqual({ k: '3' });
  // The old request counts for nothing when its digest comes again.
  await healthy(name, 'r4', files(name, '2', { 'c.yaml': configMap('asked-c') }));
  await again(name, 'four');
  expect(await dataOf('asked-a')).toEqual({ k: '2' });
});

test('what is not healthy is gone back from without spec.changePolicy.rollback, where Snapshots are kept', async () => {
  const name = 'ill';
  await healthy(name, 'r1', files(name, '1'));
  await bed.patch({ changePolicy: { mode: 'Approve', rollback: 'Never' } }, name);
  await bed.publish(files(name, '2', { 'd.yaml': stuck('ill-d') }), 'r2', name);
  const held = await bed.when(({ status }) => status?.plan?.revision === 'r2', name);
  await approve(name, held.status?.plan?.digest);
  const object = await bed.failed('HealthCheckFailed', name);
  expect(await dataOf('ill-a')).toEqual({ k: '2' });
  await ask(object);
  const back = await rolledBack(name);
  expect(back.status?.change?.revision).toBe('r1');
  expect(conditionOf(back)?.message).toMatch(/^Revision r2 was rolled back by jane \(incident 7\)/);
  expect(await dataOf('ill-a')).toEqual({ k: '1' });
});

test('what waits goes on waiting while it is gone back, with the plan of then', async () => {
  const name = 'waits';
  await healthy(name, 'r1', files(name, '1'));
  await healthy(name, 'r2', files(name, '2'));
  await bed.patch({ changePolicy: { mode: 'Approve', rollback: 'LastHealthy' } }, name);
  await bed.publish(files(name, '3'), 'r3', name);
  const object = await bed.when(({ status }) => status?.held?.reason === 'Approval', name);
  const before = object.status?.plan?.digest;
  await ask(object);
  const back = await bed.when(({ status }) => status?.plan?.digest !== before, name);
  expect(back.status).toMatchObject({ held: { reason: 'Approval' }, change: { revision: 'r1' } });
  expect(await dataOf('waits-a')).toEqual({ k: '1' });
  const told = await bed.ready('r1', name);
  expect(conditionOf(told)?.message).toBe('Applied revision: r1');
  await bed.restart();
  await again(name, 'restarted');
  expect(await dataOf('waits-a')).toEqual({ k: '1' });
  const { status } = await bed.when(({ status }) => status?.plan !== undefined, name);
  await approve(name, status?.plan?.digest);
  await bed.ready('r3', name);
  expect(await dataOf('waits-a')).toEqual({ k: '3' });
});

test('a request that was noted is carried out by the next process', async () => {
  const name = 'cut';
  await healthy(name, 'r1', files(name, '1'));
  await healthy(name, 'r2', files(name, '2'));
  const second = await bed.when(({ status }) => status?.change?.previous !== undefined, name);
  await bed.patch({ suspend: true }, name);
  await bed.restart();
  // What a process leaves behind that dies before its first write.
  const { previous, previousRevision, previousSnapshot, digest } = second.status?.change ?? {};
  const change = {
    digest: previous,
    revision: previousRevision,
    snapshot: previousSnapshot,
    healthy: previous,
    healthyRevision: previousRevision,
    healthySnapshot: previousSnapshot,
    previous: null,
    previousRevision: null,
    previousSnapshot: null,
    refused: digest,
    refusedBy: 'jane',
    refusedReason: 'incident 7',
  };
  const rollback = { requestedAt: 'one', result: 'Accepted', message: 'noted' };
  await bed.client.patch(
    kustomizations,
    { namespace: bed.namespace, name },
    { status: { change, rollback } },
    { type: 'merge', subresource: 'status' },
  );
  await bed.annotate({ [rollbackRequestAnnotation]: 'one' }, name);
  await bed.patch({ suspend: false }, name);
  const object = await rolledBack(name);
  expect(await dataOf('cut-a')).toEqual({ k: '1' });
  expect(conditionOf(object)?.message).toMatch(/^Revision r2 was rolled back by jane/);
});

test('a suspended object is gone back once it is resumed', async () => {
  const name = 'asleep';
  await healthy(name, 'r1', files(name, '1'));
  const second = await healthy(name, 'r2', files(name, '2'));
  await bed.patch({ suspend: true }, name);
  await bed.annotate(
    {
      [rollbackRequestAnnotation]: 'one',
      [rollbackFromAnnotation]: second.status?.change?.digest ?? '',
      [rollbackReasonAnnotation]: 'incident 7',
    },
    name,
  );
  expect(await dataOf('asleep-a')).toEqual({ k: '2' });
  await bed.patch({ suspend: false }, name);
  const object = await rolledBack(name);
  expect(conditionOf(object)?.message).toMatch(/^Revision r2 was rolled back \(incident 7\)/);
  expect(await dataOf('asleep-a')).toEqual({ k: '1' });
});

describe('a request that cannot be met is refused with the fix, and nothing is done', () => {
  /** Expects a refusal, which is told, while the object stays ready. */
  async function refused(object: Kustomization, why: RegExp, o: Asked = {}) {
    const { name } = object.metadata;
    const answered = await ask(object, o);
    expect(answered.status?.rollback).toMatchObject({
      result: 'Refused',
      message: expect.stringMatching(why),
    });
    const settled = await again(name, `after ${o.at ?? 'one'}`);
    expect(conditionOf(settled)?.status).toBe('True');
    expect(settled.status?.change).toEqual(object.status?.change);
    const [event] = eventsOf(name, 'RollbackRefused').slice(-1);
    expect(event?.message).toMatch(why);
  }

  test('nothing keeps Snapshots', async () => {
    const name = 'free';
    await bed.publish(files(name, '1'), 'r1', name);
    await bed.apply({ ...sourceOf(name), interval: '10m' }, name);
    await refused(await bed.ready('r1', name), /undo sha.*, and nothing is applied by now/, {
      from: `sha256:${'a'.repeat(64)}`,
    });
    await bed.patch({ changePolicy: { pruneGuard: { maxObjects: 9 } } }, name);
    const object = await bed.when(({ status }) => status?.change?.healthy !== undefined, name);
    await refused(object, /set spec\.changePolicy\.rollback to LastHealthy/, { at: 'two' });
  });

  test('nothing was healthy before, the request is stale, has no reason, or the mode is Plan', async () => {
    const name = 'wrong';
    const object = await healthy(name, 'r1', files(name, '1'));
    await refused(object, /no change before revision r1 was healthy and kept/, { at: 'a' });
    const stale = { at: 'b', from: `sha256:${'b'.repeat(64)}` };
    await refused(object, /is applied by now: look again$/, stale);
    await refused(object, /it has no reason/, { at: 'c', reason: ' ' });
    await bed.patch({ changePolicy: { mode: 'Plan', rollback: 'LastHealthy' } }, name);
    await again(name, 'planned');
    await refused(object, /mode is Plan/, { at: 'd' });
  });

  test('it would delete more than the guard allows', async () => {
    const name = 'guard';
    await healthy(name, 'r1', files(name, '1'));
    const more = { 'b.yaml': configMap('guard-b'), 'c.yaml': configMap('guard-c') };
    await healthy(name, 'r2', files(name, '2', more));
    await bed.patch(
      { changePolicy: { rollback: 'LastHealthy', pruneGuard: { maxObjects: 1 } } },
      name,
    );
    const object = await again(name, 'guarded');
    await refused(object, /it would delete 2 of 3 objects, .*maxObjects is 1/);
    expect(await isThere('guard-c')).toBe(true);
    await bed.patch(
      { changePolicy: { rollback: 'LastHealthy', pruneGuard: { maxObjects: 2 } } },
      name,
    );
    await again(name, 'raised');
    await ask(object, { at: 'more' });
    await rolledBack(name);
    expect(await isThere('guard-c')).toBe(false);
  });

  test('the Snapshot is gone', async () => {
    const name = 'lost';
    await healthy(name, 'r1', files(name, '1'));
    const object = await healthy(name, 'r2', files(name, '2'));
    const { items } = await bed.client.list<Snapshot>(snapshots, { namespace: bed.namespace });
    for (const { metadata, spec } of items)
      if (spec.targetRef.name === name) await bed.client.delete(snapshots, metadata);
    await bed.restart();
    await refused(object, /Snapshot 'kustomization-lost-[0-9a-f]+' does not exist/);
  });
});
