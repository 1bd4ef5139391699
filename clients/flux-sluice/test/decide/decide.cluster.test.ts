import {
  type Approval,
  approvalKind,
  type Kustomization,
  kustomizationKind,
  overrideByAnnotation,
  overridePlanAnnotation,
  overrideReasonAnnotation,
  reconcileRequestAnnotation,
} from '@sluice/shared/api';
import { resourceOf } from '@sluice/shared/kube';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  type CliBed,
  createKustomization,
  createWaiting,
  digestA,
  digestB,
  readyStatus,
  startCliBed,
} from '../cli-bed.ts';

let bed: CliBed;

beforeAll(async () => {
  bed = await startCliBed();
});

async function approvalsOf(name: string): Promise<Approval[]> {
  const { namespace } = bed;
  const { items } = await bed.client.list<Approval>(resourceOf(approvalKind), { namespace });
  return items.filter(({ spec }) => spec.targetRef.name === name);
}

describe('approve', () => {
  test('shows the plan, asks, and creates an Approval in the name of the user', async () => {
    const { metadata } = await createWaiting(bed, 'web');
    const result = await bed.run(['approve', 'ks', 'web', '--reason', 'CHG-1'], { answer: 'y' });
    expect(result.code).toBe(0);
    expect(result.notes).toContain('.spec.replicas: 2 → 3');
    expect(result.notes).toContain('Approve this plan? [y/N]');
    const [approval, ...more] = await approvalsOf('web');
    expect(more).toEqual([]);
    expect(approval?.spec).toEqual({
      targetRef: { kind: 'Kustomization', name: 'web' },
      planDigest: digestA,
      user: expect.any(String),
      decision: 'Approve',
      reason: 'CHG-1',
    });
    expect(result.out).toContain(`is approved by ${approval?.spec.user}`);
    expect(approval?.metadata.ownerReferences?.[0]?.uid).toBe(metadata.uid);
  });

  test('says so when the user has approved before', async () => {
    const result = await bed.run(['approve', 'ks', 'web', '--plan', digestA, '--yes']);
    expect(result.code).toBe(0);
    expect(result.out).toContain('was already approved by');
    expect(await approvalsOf('web')).toHaveLength(1);
  });

  test('does nothing when the answer is no', async () => {
    await createWaiting(bed, 'thinking');
    const result = await bed.run(['approve', 'ks', 'thinking'], { answer: 'no' });
    expect(result).toMatchObject({ code: 1, out: '' });
    expect(result.notes).toContain('Nothing was decided.');
    expect(await approvalsOf('thinking')).toEqual([]);
  });

  test('refuses when the plan is another one by now', async () => {
    const result = await bed.run(['approve', 'ks', 'thinking', '--plan', digestB, '--yes']);
    expect(result.code).toBe(1);
    expect(result.notes).toContain(`is another one by now, ${digestA}: look at it again`);
    expect(await approvalsOf('thinking')).toEqual([]);
  });

  test('approves nothing that nobody has seen', async () => {
    const blind = await bed.run(['approve', 'ks', 'thinking', '--yes']);
    expect(blind.code).toBe(1);
    expect(blind.notes).toContain('--yes needs --plan');
    const silent = await bed.run(['approve', 'ks', 'thinking', '--plan', digestA]);
    expect(silent.code).toBe(1);
    expect(silent.notes).toContain('there is no terminal to ask at');
    const short = await bed.run(['approve', 'ks', 'thinking', '--plan', digestA.slice(0, 20)]);
    expect(short.notes).toContain('--plan is no digest');
    expect(await approvalsOf('thinking')).toEqual([]);
  });

  test('says that nothing waits', async () => {
    await createKustomization(bed, { name: 'idle', status: readyStatus });
    const result = await bed.run(['approve', 'ks', 'idle'], { answer: 'y' });
    expect(result.code).toBe(1);
    expect(result.notes).toContain('has no plan: nothing waits');
  });

  test('says when it comes to nothing, and prints the object in the format json', async () => {
    await createWaiting(bed, 'planned', { held: { reason: 'Plan' } });
    const args = ['approve', 'ks', 'planned', '--plan', digestA, '--yes', '-o', 'json'];
    const result = await bed.run(args);
    expect(result.code).toBe(0);
    expect(result.notes).toContain('spec.changePolicy.mode is Plan');
    const printed = JSON.parse(result.out) as Approval;
    expect(printed.spec.planDigest).toBe(digestA);
    expect(printed.metadata.name).toMatch(/^planned-[0-9a-f]{16}$/);
  });

  test('needs the right to create Approvals', async () => {
    const result = await bed.run(['approve', 'ks', 'web', '--plan', digestA, '--yes'], {
      user: 'nobody',
    });
    expect(result.code).toBe(1);
    expect(result.notes).toContain('User "nobody" cannot get');
  });
});

describe('reject', () => {
  test('creates an Approval with the decision Reject beside others', async () => {
    const args = ['reject', 'ks', 'web', '--plan', digestA, '--yes', '--reason', 'too late'];
    const result = await bed.run(args);
    expect(result.code).toBe(0);
    expect(result.out).toContain('is rejected by');
    const decisions = (await approvalsOf('web')).map(({ spec }) => spec.decision).sort();
    expect(decisions).toEqual(['Approve', 'Reject']);
  });
});

describe('override', () => {
  test('names the plan, the reason and the user in annotations', async () => {
    await createWaiting(bed, 'urgent');
    const args = ['override', 'ks', 'urgent', '--reason', 'outage 7'];
    const result = await bed.run(args, { answer: 'yes' });
    expect(result.code).toBe(0);
    expect(result.out).toContain('is applied in spite of what holds it');
    const { metadata } = await bed.client.get<Kustomization>(resourceOf(kustomizationKind), {
      namespace: bed.namespace,
      name: 'urgent',
    });
    expect(metadata.annotations).toEqual({
      [overridePlanAnnotation]: digestA,
      [overrideReasonAnnotation]: 'outage 7',
      [overrideByAnnotation]: expect.any(String),
      [reconcileRequestAnnotation]: '2026-03-01T12:00:00.000Z',
    });
  });

  test('needs a reason, and the plan that is meant', async () => {
    const none = await bed.run(['override', 'ks', 'urgent', '--plan', digestA, '--yes']);
    expect(none).toMatchObject({ code: 1, out: '' });
    expect(none.notes).toContain('override needs --reason');
    const args = ['override', 'ks', 'urgent', '--reason', 'x', '--plan', digestB, '--yes'];
    const stale = await bed.run(args);
    expect(stale.code).toBe(1);
    expect(stale.notes).toContain('is another one by now');
    const shy = await bed.run(['override', 'ks', 'urgent', '--reason', 'x'], { answer: '' });
    expect(shy.code).toBe(1);
    expect(shy.notes).toContain('Nothing was overridden.');
  });
});
