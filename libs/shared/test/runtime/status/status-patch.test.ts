import { type Condition, type GitRepository, gitRepositoryKind } from '@sluice/shared/api';
import { FakeClock } from '@sluice/shared/base';
import { assertStatusContract } from '@sluice/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { createStatusDraft, ObjectGoneError } from '../../../src/runtime/status/status-patch.ts';
import { apiError, FakeApi } from '../fake-api.ts';

const plural = 'gitrepositories';
let api: FakeApi;
let clock: FakeClock;

function condition(type: string, status: Condition['status'], message = ''): Condition {
  const lastTransitionTime = '2025-01-01T00:00:00Z';
  return { type, status, reason: 'Test', message, lastTransitionTime, observedGeneration: 1 };
}

function draftOf(status?: GitRepository['status'], generation = 2) {
  const object = api.put<GitRepository>(plural, {
    apiVersion: 'source.toolkit.fluxcd.io/v1',
    kind: 'GitRepository',
    metadata: { name: 'app', namespace: 'ns', generation },
    spec: { url: 'http://localhost/app', interval: '1m' },
    status,
  });
  return createStatusDraft({
    object,
    kind: gitRepositoryKind,
    client: api.client,
    clock,
    controllerName: 'source-controller',
  });
}

const stored = () => api.read<GitRepository>(plural, 'ns/app');
const conditionsStored = () =>
  Object.fromEntries((stored().status?.conditions ?? []).map((c) => [c.type, c]));

beforeEach(() => {
  api = new FakeApi();
  clock = new FakeClock(Date.UTC(2026, 0, 1, 12, 0, 0, 789));
});

describe('status draft', () => {
  it('writes no control characters of a server into conditions', async () => {
    const draft = draftOf();
    const message = 'the server says: \u001b[31mfatal\u001b[0m: gone\u0000';
    draft.setCondition({ type: 'Extra', status: 'True', reason: 'A', message });
    await draft.patch();
    expect(conditionsStored()['Extra']?.message).toBe('the server says: fatal: gone');
  });

  it('sends nothing when nothing changed', async () => {
    const draft = draftOf({ conditions: [condition('Ready', 'True')] });
    draft.setCondition({ type: 'Extra', status: 'True', reason: 'A', message: '' });
    draft.removeCondition('Extra');
    await draft.patch();
    expect(api.requests).toEqual([]);
  });

  it('sends only what changed, guarded, as its field manager, to the status subresource', async () => {
    const draft = draftOf({ observedGeneration: 1, lastHandledReconcileAt: 'x' });
    draft.status.observedGeneration = 2;
    await draft.patch();
    expect(api.requests).toMatchObject([
      {
        verb: 'patch',
        subresource: 'status',
        fieldManager: 'gotk-source-controller',
        body: { metadata: { resourceVersion: '101' }, status: { observedGeneration: 2 } },
      },
    ]);
  });

  it('takes changes back, and makes them in a later draft', async () => {
    const status = { observedGeneration: 1, lastHandledReconcileAt: 'x' };
    const first = draftOf(status);
    first.status.observedGeneration = 2;
    delete first.status.lastHandledReconcileAt;
    first.reconciling('Progressing', 'working');
    const changes = first.undo();
    await first.patch();
    expect(first.status).toEqual(status);
    expect(api.requests).toEqual([]);

    const second = draftOf({ ...status, url: 'y' } as never);
    second.redo(changes ?? {});
    expect(second.status).toMatchObject({ observedGeneration: 2, url: 'y' });
    expect(second.status.lastHandledReconcileAt).toBeUndefined();
    expect(second.getCondition('Reconciling')?.message).toBe('working');
    expect(second.undo()).toEqual(changes);
    expect(draftOf(status).undo()).toBeUndefined();
  });

  it('sends the second change on top of the first', async () => {
    const draft = draftOf();
    draft.reconciling('Progressing', 'working');
    await draft.patch();
    await draft.patch();
    draft.ready('Succeeded', 'fine');
    await draft.patch();
    expect(api.requests.map((r) => r.verb)).toEqual(['patch', 'patch']);
    expect(Object.keys(conditionsStored())).toEqual(['Ready']);
  });

  it('removes fields that were deleted', async () => {
    const draft = draftOf({ observedGeneration: 1, lastHandledReconcileAt: 'x' });
    delete draft.status.lastHandledReconcileAt;
    await draft.patch();
    expect(stored().status).toEqual({ observedGeneration: 1 });
  });

  it('merges with a concurrent change after a conflict: conditions by type, other fields by who changed them', async () => {
    const draft = draftOf({
      observedGeneration: 1,
      lastHandledReconcileAt: 'old',
      conditions: [
        condition('Ready', 'False'),
        condition('Gone', 'True'),
        condition('Kept', 'True'),
      ],
    });
    const current = stored();
    current.status = {
      ...current.status,
      lastHandledReconcileAt: 'theirs',
      conditions: [
        condition('Ready', 'False'),
        condition('Gone', 'True'),
        condition('Theirs', 'True'),
      ],
    };
    api.put(plural, current);
    draft.removeCondition('Gone');
    draft.ready('Succeeded', 'fine');
    await draft.patch();
    expect(stored().status).toMatchObject({
      observedGeneration: 2,
      lastHandledReconcileAt: 'theirs',
    });
    expect(Object.keys(conditionsStored()).sort()).toEqual(['Ready', 'Theirs']);
    expect(conditionsStored()['Ready']?.status).toBe('True');
    expect(draft.getCondition('Theirs')?.status).toBe('True');
  });

  it('keeps the latest of several concurrent changes of a field that is not ours', async () => {
    const draft = draftOf();
    draft.ready('Succeeded', 'fine');
    let changes = 0;
    api.before = ({ verb }) => {
      if (verb !== 'patch' || changes === 3) return;
      changes += 1;
      const lastHandledReconcileAt = `theirs ${changes}`;
      api.put(plural, { ...stored(), status: { ...stored().status, lastHandledReconcileAt } });
    };
    const patching = draft.patch();
    await clock.advance(1000);
    await patching;
    expect(stored().status).toMatchObject({
      lastHandledReconcileAt: 'theirs 3',
      observedGeneration: 2,
    });
  });

  it('observes the generation it saw, not a newer one met in a conflict', async () => {
    const draft = draftOf(undefined, 2);
    const current = stored();
    current.metadata.generation = 3;
    api.put(plural, current);
    draft.ready('Succeeded', 'fine');
    await draft.patch();
    expect(stored().status?.observedGeneration).toBe(2);
  });

  it('gives up after five conflicts', async () => {
    const draft = draftOf();
    draft.ready('Succeeded', 'fine');
    api.before = (request) => {
      if (request.verb === 'patch') api.put(plural, stored());
    };
    const patching = expect(draft.patch()).rejects.toMatchObject({ status: 409 });
    for (let i = 0; i < 5; i += 1) await clock.advance(1000);
    await patching;
    expect(api.writes()).toHaveLength(5);
  });

  it('says that the object is gone when it is, or when another one has its name', async () => {
    const draft = draftOf();
    draft.ready('Succeeded', 'fine');
    api.objects.clear();
    await expect(draft.patch()).rejects.toThrow(ObjectGoneError);
    api.put(plural, { ...draft.observed, metadata: { ...draft.observed.metadata, uid: 'other' } });
    const patching = expect(draft.patch()).rejects.toThrow(ObjectGoneError);
    await clock.advance(1000);
    await patching;
    expect(stored().status).toBeUndefined();
  });

  it('passes on what else the API server answers', async () => {
    const draft = draftOf();
    draft.ready('Succeeded', 'fine');
    api.before = () => {
      throw apiError(422, 'Invalid');
    };
    await expect(draft.patch()).rejects.toMatchObject({ status: 422 });
  });
});

describe('conditions', () => {
  const at = '2026-01-01T12:00:00Z';
  const before = '2025-01-01T00:00:00Z';

  it.each([
    { name: 'a new status moves the transition time', from: 'False', to: 'True', expected: at },
    { name: 'a new message does not', from: 'True', to: 'True', expected: before },
  ] as const)('$name', async ({ from, to, expected }) => {
    const draft = draftOf({ conditions: [condition('Ready', from, 'old')] });
    draft.setCondition({ type: 'Ready', status: to, reason: 'New', message: 'new' });
    await draft.patch();
    expect(conditionsStored()['Ready']).toEqual({
      type: 'Ready',
      status: to,
      reason: 'New',
      message: 'new',
      lastTransitionTime: expected,
      observedGeneration: 2,
    });
  });

  it('set forth and back between two writes keep their transition time', () => {
    const draft = draftOf({ conditions: [condition('Ready', 'True')] });
    draft.setCondition({ type: 'Ready', status: 'Unknown', reason: 'A', message: '' });
    draft.setCondition({ type: 'Ready', status: 'True', reason: 'Test', message: '' });
    expect(draft.getCondition('Ready')?.lastTransitionTime).toBe(before);
  });

  it.each([
    { ready: undefined, unready: false, expected: 'Unknown' },
    { ready: 'Unknown', unready: false, expected: 'Unknown' },
    { ready: 'True', unready: false, expected: 'True' },
    { ready: 'False', unready: false, expected: 'False' },
    { ready: 'True', unready: true, expected: 'Unknown' },
  ] as const)('while reconciling, Ready=$ready becomes $expected (unready: $unready)', (o) => {
    const draft = draftOf({ conditions: o.ready ? [condition('Ready', o.ready)] : [] });
    draft.reconciling('Progressing', 'working', { unready: o.unready });
    expect(draft.getCondition('Ready')?.status).toBe(o.expected);
    expect(draft.getCondition('Reconciling')).toMatchObject({ status: 'True', message: 'working' });
  });

  it('of a retryable failure tell it in Reconciling and leave the generation unobserved', async () => {
    const draft = draftOf({ observedGeneration: 1 });
    draft.reconciling('Progressing', 'building');
    for (const message of ['no such file', 'no such field']) {
      draft.failed('BuildFailed', message);
      await draft.patch();
      expect(conditionsStored()).toMatchObject({
        Ready: { status: 'False', reason: 'BuildFailed', message },
        Reconciling: { status: 'True', reason: 'ProgressingWithRetry', message },
      });
    }
    expect(stored().status?.observedGeneration).toBe(1);
    assertStatusContract(stored());
  });

  it('of a stall observe the generation and end the reconciling', async () => {
    const draft = draftOf();
    draft.reconciling('Progressing', 'building');
    draft.failed('InvalidSpec', 'bad path', { stalled: true });
    await draft.patch();
    expect(conditionsStored()).toMatchObject({
      Ready: { status: 'False', reason: 'InvalidSpec' },
      Stalled: { status: 'True', reason: 'InvalidSpec', message: 'bad path' },
    });
    expect(conditionsStored()['Reconciling']).toBeUndefined();
    expect(stored().status?.observedGeneration).toBe(2);
    assertStatusContract(stored());
  });

  it('of success end the reconciling and the stall', async () => {
    const draft = draftOf({
      conditions: [condition('Stalled', 'True'), condition('Ready', 'False')],
    });
    draft.reconciling('Progressing', 'building');
    draft.ready('Succeeded', 'fine');
    await draft.patch();
    expect(Object.keys(conditionsStored())).toEqual(['Ready']);
    assertStatusContract(stored());
  });

  it('have messages no longer than the API takes', () => {
    const draft = draftOf();
    draft.failed('BuildFailed', 'x'.repeat(40_000));
    expect(draft.getCondition('Ready')?.message).toHaveLength(32_768);
  });
});
