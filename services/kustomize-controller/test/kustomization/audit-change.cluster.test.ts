import {
  type Approval,
  type AuditRecord,
  approvalKind,
  type KindDefinition,
  type KubeObject,
  type Kustomization,
  overrideByAnnotation,
  overridePlanAnnotation,
  overrideReasonAnnotation,
  reconcileRequestAnnotation,
  windowKind,
} from '@sluice/shared/api';
import { createAudit } from '@sluice/shared/applier';
import { silentLogger } from '@sluice/shared/base';
import { resourceOf } from '@sluice/shared/kube';
import { untilGone } from '@sluice/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Bed, configMap, configMaps, kustomizations, startBed, stuck } from './harness.ts';

const approvals = resourceOf(approvalKind as KindDefinition);
const windows = resourceOf(windowKind as KindDefinition);

let bed: Bed;
/** All that was recorded, with the plan that the status called let through at that time. */
const trail: { record: AuditRecord; admitted: string | undefined }[] = [];

beforeAll(async () => {
  const sink = {
    async publish(record: AuditRecord) {
      trail.push({ record, admitted: await admittedPlan(record.object.name) });
    },
  };
  const audit = createAudit({ sink, controllerName: 'kustomize-controller', logger: silentLogger });
  bed = await startBed([], { audit });
});
afterAll(() => bed.stop());

async function admittedPlan(name: string): Promise<string | undefined> {
  const key = { namespace: bed.namespace, name };
  const { status } = await bed.client.get<Kustomization>(kustomizations, key);
  return status?.change?.plan;
}

const of = (name: string) => trail.filter(({ record }) => record.object.name === name);
const said = (name: string) =>
  of(name).map(({ record: { action, phase, result } }) =>
    [action, phase, ...(result ? [result] : [])].join(' '),
  );
const found = (name: string, action: AuditRecord['action']) =>
  of(name).find(({ record }) => record.action === action);

/** Approvals, and times that objects were asked to be looked at. */
let made = 0;
let asked = 0;

async function decide(name: string, spec: Partial<Approval['spec']>): Promise<string> {
  made += 1;
  const metadata = { name: `a${made}`, namespace: bed.namespace };
  await bed.client.create<Approval>(approvals, {
    apiVersion: 'delivery.sluice.dev/v1alpha1',
    kind: 'Approval',
    metadata,
    spec: { targetRef: { kind: 'Kustomization', name }, planDigest: '', user: 'lead', ...spec },
  });
  return metadata.name;
}

/** Waits until a revision waits for a reason; returns the digest of its plan. */
async function held(name: string, revision: string, reason: string): Promise<string> {
  const { status } = await bed.when(
    (object) => object.status?.held?.reason === reason && object.status.plan?.revision === revision,
    name,
  );
  return status?.plan?.digest ?? '';
}

/** Has an object looked at twice more, the second time by another process. */
async function lookAgain(name: string): Promise<void> {
  for (const _ of ['by this process', 'by another']) {
    asked += 1;
    const at = `${asked}`;
    await bed.annotate({ [reconcileRequestAnnotation]: at }, name);
    await bed.when(({ status }) => status?.lastHandledReconcileAt === at, name);
    await bed.restart();
  }
}

/** Two ConfigMaps, of which the second is there only if told so. */
const files = (text: string, both = false) => ({
  'a.yaml': configMap('story-a', { text }),
  ...(both && { 'b.yaml': configMap('story-b', { text }) }),
});

test('plan, hold, decision and apply are recorded once each and in this order', async () => {
  const { namespace } = bed;
  const name = 'story';
  const waits = ['plan noted', 'hold noted'];
  const applied = ['apply begins', 'apply ended succeeded'];
  await bed.publish(files('tops3cret-1', true), 'r1', name);
  const sourceRef = { kind: 'ExternalArtifact' as const, name };
  await bed.apply({ sourceRef, changePolicy: { mode: 'Approve' } }, name);
  const first = await held(name, 'r1', 'Approval');
  await lookAgain(name);
  expect(said(name)).toEqual(waits);
  const approval = await decide(name, { planDigest: first, reason: 'CHG-7' });
  await bed.ready('r1', name);
  await lookAgain(name);
  const approved = [...waits, 'approval noted', ...applied];
  expect(said(name)).toEqual(approved);
  const created = { kind: 'ConfigMap', namespace, action: 'create' };
  expect(found(name, 'plan')?.record).toMatchObject({
    revision: 'r1',
    what: { plan: first, count: 2, objects: [created, created] },
    why: { mode: 'Approve' },
  });
  expect(found(name, 'hold')?.record.why?.text).toContain('Waiting for approval of plan');
  expect(found(name, 'approval')).toMatchObject({
    record: {
      who: { users: ['lead'] },
      what: { plan: first, after: expect.stringMatching(/^sha256:/) },
      why: { mode: 'Approve', approvals: [approval], text: 'CHG-7' },
    },
    // It was recorded before the change counted as let through.
    admitted: undefined,
  });
  const { after } = found(name, 'approval')?.record.what ?? {};
  expect(found(name, 'apply')?.record.what).toMatchObject({ plan: first, after });

  await bed.publish(files('tops3cret-2'), 'r2', name);
  const second = await held(name, 'r2', 'Approval');
  await lookAgain(name);
  // What the plan would delete was found out by a dry-run, which is no deletion.
  expect(said(name)).toEqual([...approved, ...waits]);
  expect(of(name).at(-2)?.record.what?.objects).toMatchObject([
    { name: 'story-b', action: 'delete' },
    { name: 'story-a', action: 'change', fields: ['data.text'] },
  ]);
  await bed.annotate(
    {
      [overridePlanAnnotation]: second,
      [overrideReasonAnnotation]: 'outage 7',
      [overrideByAnnotation]: 'oncall',
    },
    name,
  );
  await bed.ready('r2', name);
  await untilGone(bed.client, configMaps, { namespace, name: 'story-b' });
  await lookAgain(name);
  const pruned = ['prune begins', 'prune ended succeeded'];
  const overridden = [...approved, ...waits, 'override noted', ...applied, ...pruned];
  expect(said(name)).toEqual(overridden);
  expect(found(name, 'override')).toMatchObject({
    record: { who: { users: ['oncall'] }, what: { plan: second }, why: { text: 'outage 7' } },
    admitted: first,
  });
  const again = of(name).findLast(({ record }) => record.action === 'apply')?.record.what;
  expect(again).toMatchObject({ plan: second, before: after });

  await bed.publish(files('tops3cret-3'), 'r3', name);
  const third = await held(name, 'r3', 'Approval');
  await decide(name, { planDigest: third, decision: 'Reject', reason: 'not today' });
  await held(name, 'r3', 'Rejected');
  await lookAgain(name);
  expect(said(name)).toEqual([...overridden, ...waits, 'rejection noted']);
  expect(found(name, 'rejection')?.record).toMatchObject({
    revision: 'r3',
    who: { users: ['lead'] },
    what: { plan: third },
    why: { text: 'not today' },
  });
  const rejections = [...overridden, ...waits, 'rejection noted'];
  for (const [user, count] of [
    ['owner', 2],
    ['lead', 3],
  ] as const) {
    const again = await decide(name, { planDigest: third, decision: 'Reject', user });
    await bed.when(({ status }) => status?.plan?.rejections?.length === count, name);
    await lookAgain(name);
    rejections.push('rejection noted');
    expect(said(name)).toEqual(rejections);
    expect(of(name).at(-1)?.record).toMatchObject({
      who: { users: [user] },
      what: { plan: third },
      why: { approvals: [again] },
    });
  }
  // Another revision with the same plan is rejected by the same Approvals.
  await bed.publish({ ...files('tops3cret-3'), 'README.md': 'more' }, 'r4', name);
  await held(name, 'r4', 'Rejected');
  await lookAgain(name);
  expect(said(name)).toEqual(rejections);
  const ids = of(name).map(({ record }) => record.id);
  expect(new Set(ids).size).toBe(ids.length);
  expect(JSON.stringify(trail)).not.toContain('tops3cret');
});

test('a rollback is an apply of what was healthy and a hold that says why, once', async () => {
  const name = 'back';
  const sourceRef = { kind: 'ExternalArtifact' as const, name };
  const policy = { changePolicy: { rollback: 'LastHealthy' as const }, wait: true, timeout: '2s' };
  await bed.publish({ 'a.yaml': configMap('back-a', { k: '1' }) }, 'r1', name);
  await bed.apply({ sourceRef, ...policy }, name);
  await bed.ready('r1', name);
  await bed.when(({ status }) => status?.change?.healthySnapshot !== undefined, name);
  const applied = ['apply begins', 'apply ended succeeded'];
  expect(said(name)).toEqual(applied);
  const bad = { 'a.yaml': configMap('back-a', { k: '2' }), 'd.yaml': stuck('back-d') };
  await bed.publish(bad, 'r2', name);
  await bed.failed('RolledBack', name);
  await lookAgain(name);
  const actions = said(name).filter((text) => !text.startsWith('prune'));
  expect(actions).toEqual([...applied, ...applied, ...applied, 'hold noted']);
  expect(found(name, 'hold')?.record.why?.text).toContain('r2 did not become healthy');
});

test('what a Window holds is recorded with its name, and nobody is said to have approved it', async () => {
  const { client, namespace } = bed;
  const name = 'frozen';
  const key = { namespace, name: 'freeze' };
  await bed.publish({ 'a.yaml': configMap('frozen-a', { k: '1' }) }, 'r1', name);
  await bed.apply({ sourceRef: { kind: 'ExternalArtifact', name } }, name);
  await bed.ready('r1', name);
  expect(said(name)).toEqual(['apply begins', 'apply ended succeeded']);
  await client.create(windows, {
    apiVersion: 'delivery.sluice.dev/v1alpha1',
    kind: 'Window',
    metadata: key,
    spec: { kind: 'Deny', schedule: '* * * * *', duration: '1h' },
  } as KubeObject);
  // Another process knows all Windows before it begins.
  await bed.restart();
  await bed.publish({ 'a.yaml': configMap('frozen-a', { k: '2' }) }, 'r2', name);
  await held(name, 'r2', 'Window');
  await lookAgain(name);
  expect(said(name).slice(2)).toEqual(['plan noted', 'hold noted']);
  const hold = found(name, 'hold')?.record;
  expect(hold?.why).toMatchObject({ mode: 'Automatic', window: `${namespace}/freeze` });
  await client.delete(windows, key);
  await bed.ready('r2', name);
  expect(said(name).slice(4)).toEqual(['apply begins', 'apply ended succeeded']);
});
