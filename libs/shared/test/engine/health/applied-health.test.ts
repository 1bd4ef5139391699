import { type Health, judgeMissing, judgePresent } from '@sluice/shared/engine';
import { describe, expect, it } from 'vitest';
import { configMap } from '../engine-objects.ts';

const inProgress: Health = { status: 'InProgress', message: 'on its way' };
const current: Health = { status: 'Current', message: 'it is there' };

function version(resourceVersion: string) {
  const object = configMap('apps', 'one');
  return { ...object, metadata: { ...object.metadata, resourceVersion } };
}

describe('the health of what was applied', () => {
  const known = { resourceVersion: '10', health: inProgress, vanishes: false };

  it('is not judged by a state from before the apply', () => {
    const judge = () => current;
    expect(judgePresent(known, version('9'), judge)).toBe(inProgress);
    expect(judgePresent(known, version('10'), judge)).toBe(current);
    expect(judgePresent({ ...known, resourceVersion: undefined }, version('9'), judge)).toBe(
      current,
    );
  });

  it('is bad when it is gone, unless it goes by itself and did not fail', () => {
    const vanishing = { ...known, vanishes: true };
    const failed: Health = { status: 'Failed', message: 'broken' };
    expect(judgeMissing(known, 'it was deleted')).toEqual({
      status: 'NotFound',
      message: 'it was deleted',
    });
    expect(judgeMissing(vanishing, 'it was deleted').status).toBe('Current');
    expect(judgeMissing({ ...vanishing, health: failed }, 'it was deleted')).toBe(failed);
  });
});
