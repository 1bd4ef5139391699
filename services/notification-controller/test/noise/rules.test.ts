import type { Alert } from '@sluice/shared/api';
import { describe, expect, test } from 'vitest';
import { hasNoiseRules, noiseProblems, noiseRules } from '../../src/noise/rules.ts';
import { alertOf } from '../objects.ts';

describe('what an alert says against noise', () => {
  test('is nothing unless it says something', () => {
    expect(hasNoiseRules(noiseRules(alertOf()))).toBe(false);
    expect(noiseProblems(alertOf())).toEqual([]);
  });

  test('is read', () => {
    const alert = alertOf({
      groupBy: { fields: ['reason'], window: '1m' },
      threshold: { count: 3, within: '10m' },
      repeatInterval: '4h',
      quietHours: [{ timeZone: 'Europe/Berlin', days: ['Sat'], from: '22:30', to: '07:00' }],
    });
    expect(noiseRules(alert)).toEqual({
      group: { fields: ['reason'], windowMs: 60_000 },
      threshold: { count: 3, withinMs: 600_000 },
      repeatMs: 14_400_000,
      quiet: [{ timeZone: 'Europe/Berlin', days: ['Sat'], from: 1350, to: 420 }],
    });
  });

  test.each<{ field: string; spec: Partial<Alert['spec']>; says: string }>([
    { field: 'spec.groupBy.window', spec: { groupBy: { window: '25h' } }, says: 'between' },
    { field: 'spec.groupBy.window', spec: { groupBy: { window: '0s' } }, says: 'between' },
    {
      field: 'spec.threshold.within',
      spec: { threshold: { count: 2, within: '1ms' } },
      says: 'between',
    },
    { field: 'spec.repeatInterval', spec: { repeatInterval: '721h' }, says: 'between' },
    { field: 'spec.repeatInterval', spec: { repeatInterval: 'often' }, says: 'not a duration' },
    {
      field: 'spec.quietHours[0].timeZone',
      spec: { quietHours: [{ timeZone: 'Mars/North', from: '00:00', to: '01:00' }] },
      says: 'IANA',
    },
  ])('that cannot be honoured is named and counts as unset: $field', ({ field, spec, says }) => {
    const alert = alertOf(spec);
    expect(noiseProblems(alert)).toMatchObject([{ field, problem: expect.stringContaining(says) }]);
    expect(hasNoiseRules(noiseRules(alert))).toBe(false);
  });
});
