import {
  type KustomizationSpec,
  rollbackByAnnotation,
  rollbackFromAnnotation,
  rollbackReasonAnnotation,
  rollbackRequestAnnotation,
} from '@sluice/shared/api';
import { describe, expect, test } from 'vitest';
import {
  formerChange,
  goneBack,
  heldByRollback,
  rollbackRequestOf,
} from '../../../src/applier/index.ts';

const digest = (letter: string) => `sha256:${letter.repeat(64)}`;
const asked = (annotations: Record<string, string>, requestedAt?: string) => ({
  apiVersion: 'kustomize.toolkit.fluxcd.io/v1',
  kind: 'Kustomization',
  metadata: { name: 'web', namespace: 'apps', annotations },
  spec: {},
  ...(requestedAt && {
    status: { rollback: { requestedAt, result: 'Accepted' as const, message: '' } },
  }),
});

describe('a request to go back', () => {
  const annotations = {
    [rollbackRequestAnnotation]: 'one',
    [rollbackFromAnnotation]: digest('a'),
    [rollbackReasonAnnotation]: ' incident\u0000 7\u202e ',
    [rollbackByAnnotation]: 'jane',
  };

  test('is what the annotations say, as people can read it', () => {
    expect(rollbackRequestOf(asked(annotations))).toEqual({
      requestedAt: 'one',
      from: digest('a'),
      by: 'jane',
      reason: 'incident 7',
    });
  });

  test('counts once, and not without a token', () => {
    expect(rollbackRequestOf(asked(annotations, 'one'))).toBeUndefined();
    expect(rollbackRequestOf(asked(annotations, 'zero'))?.requestedAt).toBe('one');
    expect(rollbackRequestOf(asked({ ...annotations, [rollbackRequestAnnotation]: ' ' }))).toBe(
      undefined,
    );
  });

  test('counts once and is short, however long its texts are', () => {
    const huge = Object.fromEntries(Object.keys(annotations).map((key) => [key, 'x'.repeat(9000)]));
    const request = rollbackRequestOf(asked(huge));
    expect(Object.values(request ?? {}).map((text) => text?.length)).toEqual([500, 500, 500, 500]);
    expect(rollbackRequestOf(asked(huge, request?.requestedAt))).toBeUndefined();
  });
});

describe('what is gone back to', () => {
  const spec = { changePolicy: { rollback: 'LastHealthy' } } as KustomizationSpec;
  const of = (change: Parameters<typeof goneBack>[0]) => formerChange({ spec, status: { change } });
  const healthy = {
    digest: digest('c'),
    revision: 'r3',
    healthy: digest('c'),
    healthyRevision: 'r3',
    healthySnapshot: digest('3'),
    previous: digest('b'),
    previousRevision: 'r2',
    previousSnapshot: digest('2'),
  };

  test('is the change before a healthy one, and then nothing more', () => {
    const back = of(healthy);
    const to = { digest: digest('b'), revision: 'r2', snapshot: digest('2') };
    expect(back).toEqual({ type: 'found', to });
    const next = goneBack(healthy, to, { by: 'jane', reason: 'incident 7' });
    expect(next).toEqual({
      digest: digest('b'),
      revision: 'r2',
      snapshot: digest('2'),
      healthy: digest('b'),
      healthyRevision: 'r2',
      healthySnapshot: digest('2'),
      refused: digest('c'),
      refusedBy: 'jane',
      refusedReason: 'incident 7',
    });
    expect(of(next)).toEqual({
      type: 'none',
      why: 'no change before revision r2 was healthy and kept',
    });
    expect(heldByRollback(next, 'r3').message).toMatch(
      /^Revision r3 was rolled back by jane \(incident 7\), and r2 is applied: /,
    );
  });

  test('is the last healthy change of one that is not; once more, and what the source says stays refused', () => {
    const ill = { ...healthy, digest: digest('d'), revision: 'r4' };
    const to = { digest: digest('c'), revision: 'r3', snapshot: digest('3') };
    expect(of(ill)).toEqual({ type: 'found', to });
    const once = goneBack(ill, to);
    expect(once).toMatchObject({ refused: digest('d'), previous: digest('b') });
    expect(once).not.toHaveProperty('refusedReason');
    const twice = goneBack(once, { digest: digest('b'), revision: 'r2', snapshot: digest('2') });
    expect(twice).toMatchObject({ digest: digest('b'), refused: digest('d') });
    expect(twice).not.toHaveProperty('previous');
  });

  test('is nothing where no Snapshots are kept', () => {
    const free = formerChange({ spec: { ...spec, changePolicy: {} }, status: { change: healthy } });
    expect(free).toMatchObject({ type: 'none' });
    const { previousSnapshot: _, ...large } = healthy;
    expect(of(large)).toEqual({
      type: 'none',
      why: expect.stringContaining('no Snapshot of revision r2 is kept'),
    });
  });
});
