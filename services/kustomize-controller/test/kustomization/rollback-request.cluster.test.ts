import {
  type Approval,
  type AuditRecord,
  approvalKind,
  type Kustomization,
  rollbackFromAnnotation,
  rollbackReasonAnnotation,
  rollbackRequestAnnotation,
} from '@sluice/shared/api';
import { createAudit } from '@sluice/shared/applier';
import { silentLogger } from '@sluice/shared/base';
import { resourceOf } from '@sluice/shared/kube';
import { assertStatusContract } from '@sluice/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Bed, conditionOf, configMap, kustomizations, startBed, stuck } from './harness.ts';
import { filesOf, rollbacksOn } from './rollback-bed.ts';

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

const { again, ask, dataOf, eventsOf, healthy, isThere, rolledBack, snapshotsOf } = rollbacksOn(
  () => bed,
);
const healthyAt = (name: string, revision: string, files: Record<string, string>) =>
  healthy({ name, revision, files });
const revisionsOf = async (object: Kustomization) =>
  (await snapshotsOf(object)).map(({ spec }) => spec.revision).sort();

async function approve(name: string, planDigest = ''): Promise<void> {
  await bed.client.create<Approval>(approvals, {
    apiVersion: 'delivery.sluice.dev/v1alpha1',
    kind: 'Approval',
    metadata: { name: `${name}-ok`, namespace: bed.namespace },
    spec: { targetRef: { kind: 'Kustomization', name }, planDigest, user: 'lead' },
  });
}

test('what was healthy before is applied again when somebody asks for it, once, until something new comes', async () => {
  const name = 'asked';
  const first = await healthyAt(name, 'r1', filesOf(name, '1', { 'b.yaml': configMap('asked-b') }));
  const second = await healthyAt(
    name,
    'r2',
    filesOf(name, '2', { 'c.yaml': configMap('asked-c') }),
  );
  expect(await revisionsOf(second)).toEqual(['r1', 'r2']);
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
  expect(await revisionsOf(still)).toEqual(['r1']);
  expect(eventsOf(name, 'RolledBack')).toHaveLength(1);
  const refused = await ask(still, { at: 'more', from: still.status?.change?.digest });
  expect(refused.status?.rollback?.message).toMatch(/no change before revision r1 was healthy/);

  const third = await healthyAt(name, 'r3', filesOf(name, '3'));
  expect(third.status?.held).toBeUndefined();
  expect(third.status?.change).not.toHaveProperty('refused');
  expect(third.status?.change).not.toHaveProperty('refusedBy');
  expect(await dataOf('asked-a')).toEqual({ k: '3' });
  // The old request counts for nothing when its digest comes again.
  await healthyAt(name, 'r4', filesOf(name, '2', { 'c.yaml': configMap('asked-c') }));
  await again(name, 'four');
  expect(await dataOf('asked-a')).toEqual({ k: '2' });
});

test('what is not healthy is gone back from without spec.changePolicy.rollback, where Snapshots are kept', async () => {
  const name = 'ill';
  await healthyAt(name, 'r1', filesOf(name, '1'));
  await bed.patch({ changePolicy: { mode: 'Approve', rollback: 'Never' } }, name);
  await bed.publish(filesOf(name, '2', { 'd.yaml': stuck('ill-d') }), 'r2', name);
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
  await healthyAt(name, 'r1', filesOf(name, '1'));
  await healthyAt(name, 'r2', filesOf(name, '2'));
  await bed.patch({ changePolicy: { mode: 'Approve', rollback: 'LastHealthy' } }, name);
  await bed.publish(filesOf(name, '3'), 'r3', name);
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
  await healthyAt(name, 'r1', filesOf(name, '1'));
  await healthyAt(name, 'r2', filesOf(name, '2'));
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
  await healthyAt(name, 'r1', filesOf(name, '1'));
  const second = await healthyAt(name, 'r2', filesOf(name, '2'));
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
