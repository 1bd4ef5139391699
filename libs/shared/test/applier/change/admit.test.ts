import {
  overrideByAnnotation,
  overridePlanAnnotation,
  overrideReasonAnnotation,
} from '@sluice/shared/api';
import { describe, expect, test } from 'vitest';
import {
  admit,
  type ChangePolicy,
  type Controlled,
  type Gate,
  type ProposedChange,
} from '../../../src/applier/change/admit.ts';
import type { PlanVerdict, Statement } from '../../../src/applier/change/approvals-verdict.ts';
import type { ChangePlan } from '../../../src/applier/change/change-plan.ts';

const digestOf = (digit: string) => `sha256:${digit.repeat(64)}`;
const planDigest = digestOf('b');
const someday = Date.parse('2026-03-01T00:00:00Z');

function plan(o: Partial<ChangePlan> = {}): ChangePlan {
  return { digest: planDigest, objects: [], create: 1, change: 2, delete: 0, ...o };
}

function change(o: Partial<ProposedChange> = {}): ProposedChange {
  return {
    digest: digestOf('a'),
    revision: 'main@sha1:2',
    isKnown: false,
    isComplete: true,
    managed: 10,
    deletions: () => Promise.resolve(0),
    plan: () => Promise.resolve(plan()),
    ...o,
  };
}

function object(o: {
  policy?: ChangePolicy;
  change?: NonNullable<Controlled['status']>['change'];
  annotations?: Record<string, string>;
}): Controlled {
  return {
    apiVersion: 'kustomize.toolkit.fluxcd.io/v1',
    kind: 'Kustomization',
    metadata: {
      name: 'web',
      namespace: 'apps',
      ...(o.annotations && { annotations: o.annotations }),
    },
    spec: { ...(o.policy && { changePolicy: o.policy }) },
    status: { ...(o.change && { change: o.change }) },
  };
}

const by = (user: string, reason?: string): Statement => ({
  user,
  approval: `of-${user}`,
  uid: `uid-${user}`,
  reason,
});
const nobody: PlanVerdict = { approvedBy: [], rejectedBy: [] };

function gate(o: Partial<Gate> & { verdict?: PlanVerdict } = {}): Gate {
  return {
    verdictOn: (_, digest) => (digest === planDigest ? (o.verdict ?? nobody) : nobody),
    windowOf: () => ({ open: true }),
    defaultPruneGuard: undefined,
    ...o,
  };
}

const closed = (o: { overrun?: boolean; holdsDrift?: boolean } = {}) => ({
  windowOf: () => ({
    open: false as const,
    untilMs: someday,
    message: "Window 'apps/freeze' is open",
    names: ['apps/freeze'],
    overrun: true,
    holdsDrift: false,
    ...o,
  }),
});

const unasked = () => Promise.reject(new Error('nobody should ask'));

describe('an object whose changes nothing controls', () => {
  test('is free, and nothing is compared', async () => {
    const proposed = change({ plan: unasked, deletions: unasked });
    expect(await admit(object({}), proposed, gate())).toEqual({ type: 'free' });
  });

  test('notes its changes from the first that was controlled on', async () => {
    const before = { digest: digestOf('9'), revision: 'main@sha1:1' };
    const admission = await admit(object({ change: before }), change({ plan: unasked }), gate());
    expect(admission).toMatchObject({ type: 'admitted', change: { digest: digestOf('a') } });
  });
});

describe('the mode Approve', () => {
  const policy: ChangePolicy = { mode: 'Approve' };

  test('holds a change until its plan is approved', async () => {
    expect(await admit(object({ policy }), change(), gate())).toMatchObject({
      type: 'held',
      reason: 'Approval',
      message: `Waiting for approval of plan ${planDigest}: 1 to create, 2 to change, 0 to delete`,
    });
    const verdict = { ...nobody, approvedBy: [by('lead')] };
    expect(await admit(object({ policy }), change(), gate({ verdict }))).toMatchObject({
      type: 'admitted',
      why: 'approved by lead',
      decision: { action: 'approval', users: ['lead'], approvals: ['of-lead'] },
      change: { digest: digestOf('a'), plan: planDigest, revision: 'main@sha1:2' },
    });
  });

  test('counts users, not approvals of another plan', async () => {
    const two = { ...policy, approvals: 2 };
    const one = gate({ verdict: { ...nobody, approvedBy: [by('lead')] } });
    expect(await admit(object({ policy: two }), change(), one)).toMatchObject({
      reason: 'Approval',
      message: expect.stringContaining('(1 of 2)'),
    });
    const other = change({ plan: () => Promise.resolve(plan({ digest: digestOf('c') })) });
    const both = gate({ verdict: { ...nobody, approvedBy: [by('lead'), by('owner')] } });
    expect(await admit(object({ policy: two }), other, both)).toMatchObject({ type: 'held' });
    expect(await admit(object({ policy: two }), change(), both)).toMatchObject({
      type: 'admitted',
    });
  });

  test('lets a rejection outweigh approvals', async () => {
    const verdict = { approvedBy: [by('lead')], rejectedBy: [by('owner', 'not today')] };
    expect(await admit(object({ policy }), change(), gate({ verdict }))).toMatchObject({
      type: 'held',
      reason: 'Rejected',
      message: `Plan ${planDigest} was rejected by owner: not today`,
      rejectedBy: [by('owner', 'not today')],
    });
  });

  test('lets through what would change nothing', async () => {
    const empty = change({ plan: () => Promise.resolve(plan({ create: 0, change: 0 })) });
    expect(await admit(object({ policy }), empty, gate())).toMatchObject({ type: 'admitted' });
  });

  test('asks nobody again about what was let through, or was applied before it was controlled', async () => {
    const before = { digest: digestOf('a'), revision: 'main@sha1:1', plan: planDigest };
    const again = await admit(
      object({ policy, change: before }),
      change({ plan: unasked }),
      gate(),
    );
    expect(again).toEqual({ type: 'admitted', change: { ...before, revision: 'main@sha1:2' } });
    const known = change({ isKnown: true, plan: unasked });
    expect(await admit(object({ policy }), known, gate())).toMatchObject({ type: 'admitted' });
  });

  test('keeps what was healthy last when another change is let through', async () => {
    const healthy = { healthy: digestOf('9'), healthyRevision: 'main@sha1:1' };
    const before = { digest: digestOf('9'), revision: 'main@sha1:1', ...healthy };
    const verdict = { ...nobody, approvedBy: [by('lead')] };
    const admission = await admit(object({ policy, change: before }), change(), gate({ verdict }));
    expect(admission).toMatchObject({ change: { digest: digestOf('a'), ...healthy } });
  });
});

test('the mode Plan applies nothing, approved, overridden or not', async () => {
  const annotations = {
    [overridePlanAnnotation]: planDigest,
    [overrideReasonAnnotation]: 'incident',
  };
  const planning = object({ policy: { mode: 'Plan' }, annotations });
  const verdict = { ...nobody, approvedBy: [by('lead')] };
  expect(await admit(planning, change(), gate({ verdict }))).toMatchObject({
    type: 'held',
    reason: 'Plan',
    plan: { digest: planDigest },
  });
});

describe('a Window', () => {
  test('holds a change of any mode, with its plan, until it ends', async () => {
    const verdict = { ...nobody, approvedBy: [by('lead')] };
    for (const policy of [undefined, { mode: 'Approve' as const }]) {
      const held = await admit(object({ ...(policy && { policy }) }), change(), {
        ...gate({ verdict }),
        ...closed(),
      });
      expect(held).toMatchObject({
        reason: 'Window',
        window: 'apps/freeze',
        untilMs: someday,
        plan: { create: 1 },
      });
    }
  });

  test('lets what was begun end, unless it says otherwise', async () => {
    const begun = object({ change: { digest: digestOf('a'), revision: 'main@sha1:2' } });
    const unfinished = change({ isComplete: false, plan: unasked });
    expect(await admit(begun, unfinished, { ...gate(), ...closed() })).toMatchObject({
      type: 'admitted',
    });
    const strict = { ...gate(), ...closed({ overrun: false }) };
    expect(await admit(begun, unfinished, strict)).toMatchObject({ reason: 'Window' });
    expect(await admit(begun, change({ plan: unasked }), strict)).toMatchObject({
      type: 'admitted',
    });
  });
});

describe('a guard against deletion', () => {
  const deleting = change({
    deletions: () => Promise.resolve(3),
    plan: () => Promise.resolve(plan({ delete: 3 })),
  });

  test.each([
    [{ maxObjects: 2 }, 'held'],
    [{ maxObjects: 3 }, 'admitted'],
    [{ maxPercent: 29 }, 'held'],
    [{ maxPercent: 30 }, 'admitted'],
    [{ maxObjects: 5, maxPercent: 20 }, 'held'],
    [{}, 'admitted'],
  ])('of %j, with 3 of 10 objects deleted: %s', async (pruneGuard, type) => {
    expect(await admit(object({ policy: { pruneGuard } }), deleting, gate())).toMatchObject({
      type,
    });
  });

  test('of the controller counts where the object has none', async () => {
    const guarded = gate({ defaultPruneGuard: { maxObjects: 0 } });
    expect(await admit(object({}), deleting, guarded)).toMatchObject({
      reason: 'PruneGuard',
      message: expect.stringContaining('it would delete 3 of 10 objects'),
    });
    const own = object({ policy: { pruneGuard: { maxObjects: 9 } } });
    expect(await admit(own, deleting, guarded)).toMatchObject({ type: 'admitted' });
    expect(await admit(object({}), change({ plan: unasked }), guarded)).toMatchObject({
      type: 'admitted',
    });
  });

  test('is content with one Approval of the plan', async () => {
    const verdict = { ...nobody, approvedBy: [by('lead')] };
    const guarded = object({ policy: { pruneGuard: { maxObjects: 0 } } });
    expect(await admit(guarded, deleting, gate({ verdict }))).toMatchObject({
      type: 'admitted',
      why: 'approved by lead',
    });
  });
});

describe('an override', () => {
  const annotations = {
    [overridePlanAnnotation]: planDigest,
    [overrideReasonAnnotation]: 'incident 7',
    [overrideByAnnotation]: 'oncall',
  };
  const policy: ChangePolicy = { mode: 'Approve', approvals: 2, pruneGuard: { maxObjects: 0 } };
  const strict = {
    ...gate({ verdict: { approvedBy: [], rejectedBy: [by('owner')] } }),
    ...closed({ overrun: false }),
  };
  const deleting = change({ deletions: () => Promise.resolve(3) });

  test('lets exactly its plan through, in spite of everything', async () => {
    expect(await admit(object({ policy, annotations }), deleting, strict)).toMatchObject({
      type: 'admitted',
      decision: { action: 'override', users: ['oncall'], text: 'incident 7' },
      why: 'overridden by oncall: incident 7',
      change: { plan: planDigest },
    });
    const other = change({ plan: () => Promise.resolve(plan({ digest: digestOf('c') })) });
    expect(await admit(object({ policy, annotations }), other, strict)).toMatchObject({
      type: 'held',
    });
  });

  test('needs a reason', async () => {
    const silent = { ...annotations, [overrideReasonAnnotation]: ' ' };
    expect(await admit(object({ policy, annotations: silent }), deleting, strict)).toMatchObject({
      type: 'held',
    });
  });
});

test('what was rolled back is not tried again, and what comes after it is', async () => {
  const before = {
    digest: digestOf('9'),
    revision: 'main@sha1:1',
    healthyRevision: 'main@sha1:1',
    refused: digestOf('a'),
  };
  const policy: ChangePolicy = { rollback: 'LastHealthy' };
  const rolledBack = object({ policy, change: before });
  expect(await admit(rolledBack, change({ plan: unasked }), gate())).toMatchObject({
    type: 'held',
    reason: 'RolledBack',
    message: expect.stringContaining('main@sha1:1 is applied'),
  });
  const fixed = await admit(rolledBack, change({ digest: digestOf('d'), plan: unasked }), gate());
  expect(fixed).toMatchObject({ type: 'admitted', change: { digest: digestOf('d') } });
  expect(fixed).not.toHaveProperty('change.refused');
});
