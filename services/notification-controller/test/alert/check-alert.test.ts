import { describe, expect, test } from 'vitest';
import { checkAlert } from '../../src/alert/check-alert.ts';
import { alertOf } from '../objects.ts';

describe('the check of an alert', () => {
  test('finds nothing wrong with a good one', () => {
    const alert = alertOf({
      inclusionList: ['.*'],
      eventSources: [{ kind: 'Bucket', name: '*', namespace: 'x' }],
    });
    expect(checkAlert(alert, { noCrossNamespaceRefs: false })).toEqual([]);
  });

  test('names expressions that are invalid', () => {
    const problems = checkAlert(alertOf({ inclusionList: ['('] }), { noCrossNamespaceRefs: false });
    expect(problems).toMatchObject([{ field: 'spec.inclusionList[0]' }]);
  });

  test('names other namespaces where they are forbidden', () => {
    const alert = alertOf({
      eventSources: [
        { kind: 'Bucket', name: '*', namespace: 'apps' },
        { kind: 'Bucket', name: '*', namespace: 'other' },
      ],
    });
    expect(checkAlert(alert, { noCrossNamespaceRefs: true })).toMatchObject([
      { field: 'spec.eventSources[1].namespace', problem: expect.stringContaining("'other'") },
    ]);
  });
});
