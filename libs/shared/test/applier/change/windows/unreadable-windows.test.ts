import type { KubeObject } from '@sluice/shared/api';
import { describe, expect, test } from 'vitest';
import { readWindow } from '../../../../src/applier/change/windows/read-window.ts';
import { windowVerdict } from '../../../../src/applier/change/windows/window-verdict.ts';
import { heldUntil, night, type Spec, verdictAt } from './verdicts.ts';
import { at, windowOf } from './windows-bed.ts';

describe('a Window that cannot be read holds, and says why', () => {
  const wrong: { name: string; spec: Spec; says: string }[] = [
    {
      name: 'a schedule of six fields',
      spec: { schedule: '0 0 22 * * 5' },
      says: "spec.schedule '0 0 22 * * 5' cannot be read: it has 6 fields: write five fields such as '0 22 * * 5'",
    },
    {
      name: 'a number that is too large',
      spec: { schedule: '61 * * * *' },
      says: "spec.schedule '61 * * * *' cannot be read: '61' is no minute: use 0 to 59",
    },
    {
      name: 'the last day',
      spec: { schedule: '0 0 L * *' },
      says: "spec.schedule '0 0 L * *' cannot be read: 'l' is no day of the month: use 1 to 31",
    },
    {
      name: 'a time zone that is none',
      spec: { timeZone: 'Mars/Olympus' },
      says: "spec.timeZone 'Mars/Olympus' is not known: write a name such as Europe/Berlin, or leave it out for UTC",
    },
    {
      name: 'a duration of nothing',
      spec: { duration: '0s' },
      says: "spec.duration '0s' is none: write for instance 8h or 1h30m",
    },
    {
      name: 'a duration that is none',
      spec: { duration: 'long' },
      says: "spec.duration 'long' is none: write for instance 8h or 1h30m",
    },
    {
      name: 'a condition that lacks its values',
      spec: { selector: { matchExpressions: [{ key: 'tier', operator: 'In' }] } },
      says: 'spec.selector.matchExpressions[0] has no values: In needs some',
    },
  ];

  test.each(wrong)('$name', ({ spec, says }) => {
    expect(verdictAt('2026-12-01T12:00Z', spec)).toEqual({
      open: false,
      untilMs: undefined,
      message: `Window 'apps/w1' holds changes because it cannot be read: ${says}`,
      names: ['apps/w1'],
      overrun: true,
      holdsDrift: false,
    });
  });

  test.each([
    '?',
    '1W',
    'LW',
    '5L',
    '5#2',
    '@daily',
    '5/5',
    '+1',
    '1-',
    '-5',
    '1,,2',
    '5-1',
    '*/0',
    '*/99',
    '1-5-7',
    'H',
    '*-5',
  ])('a day of the month %s', (day) => {
    expect(heldUntil('2026-12-01T12:00Z', { schedule: `0 0 ${day} * *` })).toBe('never');
  });

  test.each([
    { name: 'no spec', spec: undefined },
    { name: 'an empty spec', spec: {} },
    { name: 'a spec of another type', spec: 'always' },
    { name: 'a selector of another type', spec: { ...night, selector: 'all' } },
    { name: 'a kind that is not known', spec: { ...night, kind: 'Maybe' } },
    {
      name: 'an expression of another type',
      spec: { ...night, selector: { matchExpressions: [7] } },
    },
  ])('$name, for all', ({ spec }) => {
    const window = readWindow({ ...windowOf('odd', {}), spec } as KubeObject);
    expect(window.selects({ any: 'label' })).toBe(true);
    const verdict = windowVerdict([window], at('2026-12-01T12:00Z'));
    expect(verdict).toMatchObject({ open: false, untilMs: undefined });
    expect(verdict).toHaveProperty('message', expect.stringContaining("'apps/odd'"));
  });

  test('only for what its selector takes', () => {
    const selector = { matchLabels: { tier: 'web' } };
    const window = readWindow(windowOf('odd', { schedule: 'never', selector }));
    expect(window.selects({ tier: 'web' })).toBe(true);
    expect(window.selects({ tier: 'db' })).toBe(false);
  });

  test('and what was begun stops when it says so', () => {
    expect(
      verdictAt('2026-12-01T12:00Z', { schedule: 'x', overrun: false, holdsDrift: true }),
    ).toMatchObject({ overrun: false, holdsDrift: true });
  });

  test('beside others that can be read', () => {
    const verdict = verdictAt('2026-12-01T23:00Z', night, { schedule: 'x', duration: '1h' });
    expect(verdict).toMatchObject({ open: false, untilMs: undefined });
    expect(verdict).toHaveProperty('message', expect.stringContaining("'apps/w2'"));
  });
});
