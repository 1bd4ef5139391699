import { systemClock } from '@sluice/shared/base';
import { expect, test } from 'vitest';
import type { Controlled, ProposedChange } from '../../../src/applier/change/admit.ts';
import type { Statement } from '../../../src/applier/change/approvals-verdict.ts';
import { ChangeControl } from '../../../src/applier/change/change-control.ts';

const digest = `sha256:${'a'.repeat(64)}`;
const planDigest = `sha256:${'b'.repeat(64)}`;
const drift = { isDrift: true };
const change = { isDrift: false };

function object(generation: number): Controlled {
  return {
    apiVersion: 'kustomize.toolkit.fluxcd.io/v1',
    kind: 'Kustomization',
    metadata: { name: 'web', namespace: 'apps', uid: 'u', generation },
    spec: { changePolicy: { mode: 'Approve' } },
  };
}

function control() {
  const approvedBy: Statement[] = [];
  const listeners: ((key: string) => void)[] = [];
  let comparisons = 0;
  const noWatch = {
    start: () => Promise.resolve(),
    stop: () => Promise.resolve(),
    onChange: (listener: (key: string) => void) => {
      listeners.push(listener);
    },
  };
  const proposed: ProposedChange = {
    digest,
    revision: 'r1',
    isKnown: false,
    isComplete: true,
    managed: 1,
    deletions: () => Promise.resolve(0),
    plan: () => {
      comparisons++;
      return Promise.resolve({ digest: planDigest, objects: [], create: 1, change: 0, delete: 0 });
    },
  };
  const changes = new ChangeControl({
    approvals: {
      ...noWatch,
      verdictOn: () => ({ approvedBy, rejectedBy: [] }),
      removeOutdated: () => Promise.resolve(),
    },
    windows: { ...noWatch, verdictOf: () => ({ open: true }) },
    defaultPruneGuard: undefined,
    clock: systemClock,
  });
  return {
    changes,
    proposed,
    comparisons: () => comparisons,
    approve() {
      approvedBy.push({ user: 'lead', approval: 'a1', uid: '1', reason: undefined });
      for (const listener of listeners) listener('apps/web');
    },
  };
}

test('drift of what is applied is no reason to compare a change that waits with the cluster again', async () => {
  const { changes, proposed, comparisons } = control();
  expect(await changes.judge(object(1), proposed, drift)).toMatchObject({ type: 'held' });
  expect(await changes.judge(object(1), proposed, drift)).toMatchObject({ reason: 'Approval' });
  expect(comparisons()).toBe(1);
  await changes.judge(object(1), proposed, change);
  expect(comparisons()).toBe(2);
});

test('another spec, another change or a decision is judged at once, whatever the reason to look', async () => {
  const { changes, proposed, comparisons, approve } = control();
  await changes.judge(object(1), proposed, drift);
  await changes.judge(object(2), proposed, drift);
  await changes.judge(object(2), { ...proposed, digest: planDigest }, drift);
  expect(comparisons()).toBe(3);
  approve();
  expect(await changes.judge(object(2), { ...proposed, digest: planDigest }, drift)).toMatchObject({
    type: 'admitted',
  });
});
