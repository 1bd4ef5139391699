import type { KubeObject, WindowSpec } from '@sluice/shared/api';
import { describe, expect, test } from 'vitest';
import { readWindow } from '../../../../src/applier/change/windows/read-window.ts';
import { windowVerdict } from '../../../../src/applier/change/windows/window-verdict.ts';
import { at, windowOf } from './windows-bed.ts';

type Spec = Partial<WindowSpec>;

function verdictAt(time: string, ...specs: Spec[]) {
  const windows = specs.map((spec, index) => readWindow(windowOf(`w${index + 1}`, spec)));
  return windowVerdict(windows, at(time));
}

/** Says until when changes are held; `open`, or `never` when no end is found. */
function heldUntil(time: string, ...specs: Spec[]): string {
  const verdict = verdictAt(time, ...specs);
  if (verdict.open) return 'open';
  if (verdict.untilMs === undefined) return 'never';
  return new Date(verdict.untilMs).toISOString().replace(':00.000', '');
}

const night: Spec = { kind: 'Deny', schedule: '0 22 * * *', duration: '8h' };
const day: Spec = { kind: 'Allow', schedule: '0 9 * * 1-5', duration: '8h' };

const cases: { name: string; time: string; windows: Spec[]; until: string }[] = [
  {
    name: 'without Windows changes are open',
    time: '2026-12-01T12:00Z',
    windows: [],
    until: 'open',
  },
  {
    name: 'a denying Window does not hold before it opens',
    time: '2026-12-01T21:59:59.999Z',
    windows: [night],
    until: 'open',
  },
  {
    name: 'a denying Window holds from its first moment',
    time: '2026-12-01T22:00Z',
    windows: [night],
    until: '2026-12-02T06:00Z',
  },
  {
    name: 'a denying Window holds to its last moment',
    time: '2026-12-02T05:59:59.999Z',
    windows: [night],
    until: '2026-12-02T06:00Z',
  },
  {
    name: 'a denying Window does not hold when it is over',
    time: '2026-12-02T06:00Z',
    windows: [night],
    until: 'open',
  },
  {
    name: 'an allowing Window does not hold while it is open',
    time: '2026-12-01T09:00Z',
    windows: [day],
    until: 'open',
  },
  {
    name: 'an allowing Window holds until it opens, over a weekend',
    time: '2026-12-04T17:00Z',
    windows: [day],
    until: '2026-12-07T09:00Z',
  },
  {
    name: 'one of several allowing Windows is enough',
    time: '2026-12-05T10:00Z',
    windows: [day, { kind: 'Allow', schedule: '0 10 * * 6', duration: '1h' }],
    until: 'open',
  },
  {
    name: 'the first of several allowing Windows ends the wait',
    time: '2026-12-05T09:00Z',
    windows: [day, { kind: 'Allow', schedule: '0 10 * * 6', duration: '1h' }],
    until: '2026-12-05T10:00Z',
  },
  {
    name: 'denying Windows that overlap are one',
    time: '2026-12-01T23:00Z',
    windows: [night, { schedule: '0 5 * * *', duration: '4h' }],
    until: '2026-12-02T09:00Z',
  },
  {
    name: 'denying Windows that follow upon each other are one',
    time: '2026-12-01T23:00Z',
    windows: [night, { schedule: '0 6 * * *', duration: '1h' }],
    until: '2026-12-02T07:00Z',
  },
  {
    name: 'openings of one Window that overlap are one',
    time: '2026-12-01T09:30Z',
    windows: [{ schedule: '*/30 9-17 * * *', duration: '45m' }],
    until: '2026-12-01T18:15Z',
  },
  {
    name: 'openings of one Window that follow upon each other are one',
    time: '2026-12-01T09:30Z',
    windows: [{ schedule: '* 9-17 * * *', duration: '1m' }],
    until: '2026-12-01T18:00Z',
  },
  {
    name: 'a denying Window keeps an allowing one from ending the wait',
    time: '2026-12-01T08:00Z',
    windows: [day, { schedule: '0 8 * * *', duration: '3h' }],
    until: '2026-12-01T11:00Z',
  },
  {
    name: 'an allowing Window that is over before a denying one counts for nothing',
    time: '2026-12-01T08:00Z',
    windows: [day, { schedule: '0 8 * * 2', duration: '12h' }],
    until: '2026-12-02T09:00Z',
  },
  {
    name: 'a denying Window that lasts longer than its interval never ends',
    time: '2026-12-01T08:00Z',
    windows: [{ schedule: '0 0 * * *', duration: '24h' }],
    until: 'never',
  },
  {
    name: 'an allowing Window that lasts longer than its interval is always open',
    time: '2026-12-01T08:00Z',
    windows: [{ kind: 'Allow', schedule: '0 0 * * *', duration: '25h' }],
    until: 'open',
  },
  {
    name: 'a denying Window that never opens holds nothing',
    time: '2026-12-01T08:00Z',
    windows: [{ schedule: '0 0 30 2 *', duration: '24h' }],
    until: 'open',
  },
  {
    name: 'an allowing Window that never opens holds for ever',
    time: '2026-12-01T08:00Z',
    windows: [{ kind: 'Allow', schedule: '0 0 30 2 *', duration: '24h' }],
    until: 'never',
  },
  {
    name: 'an opening that is more than 400 days away is not found',
    time: '2025-03-01T08:00Z',
    windows: [{ kind: 'Allow', schedule: '0 0 29 2 *', duration: '24h' }],
    until: 'never',
  },
  {
    name: 'an opening within 400 days is found',
    time: '2027-02-01T08:00Z',
    windows: [{ kind: 'Allow', schedule: '0 0 29 2 *', duration: '24h' }],
    until: '2028-02-29T00:00Z',
  },
  {
    name: 'an end that takes too many steps is not found',
    time: '2026-12-01T08:00Z',
    windows: [{ schedule: '* * * * 1-5', duration: '1m' }],
    until: 'never',
  },
  {
    name: 'Windows that hold in turns do not take for ever',
    time: '2026-12-01T08:00Z',
    windows: [
      { schedule: '*/2 * * * *', duration: '1m' },
      { schedule: '1-59/2 * * * *', duration: '1m' },
    ],
    until: 'never',
  },
  {
    name: 'a day of the month and one of the week are each enough',
    time: '2026-12-04T12:00Z',
    windows: [{ schedule: '0 0 1 * FRI', duration: '24h' }],
    until: '2026-12-05T00:00Z',
  },
];

describe('a verdict', () => {
  test.each(cases)('$name', ({ time, windows, until }) => {
    expect(heldUntil(time, ...windows)).toBe(until);
  });

  test('an allowing Window far away is awaited, however often it was asked before', () => {
    const window = readWindow(windowOf('w', { kind: 'Allow', schedule: '0 0 29 2 *' }));
    expect(windowVerdict([window], at('2026-01-01T00:00Z'))).toMatchObject({ untilMs: undefined });
    expect(windowVerdict([window], at('2028-01-01T00:00Z'))).toMatchObject({
      untilMs: at('2028-02-29T00:00Z'),
    });
  });

  test('a clock that is put back asks anew', () => {
    const window = readWindow(windowOf('w', night));
    expect(windowVerdict([window], at('2026-12-01T23:00Z')).open).toBe(false);
    expect(windowVerdict([window], at('2026-12-01T12:00Z')).open).toBe(true);
    expect(windowVerdict([window], at('2026-12-01T03:00Z')).open).toBe(false);
  });
});

describe('the clock of a time zone', () => {
  const berlin: Spec = { timeZone: 'Europe/Berlin' };
  const changes: { name: string; time: string; spec: Spec; until: string }[] = [
    {
      name: 'a time within the hour that is skipped counts when the clock has moved',
      time: '2026-03-29T01:00Z',
      spec: { ...berlin, schedule: '30 2 * * *', duration: '1h' },
      until: '2026-03-29T02:00Z',
    },
    {
      name: 'nothing opens before the hour that is skipped is over',
      time: '2026-03-29T00:59Z',
      spec: { ...berlin, schedule: '30 2 * * *', duration: '1h' },
      until: 'open',
    },
    {
      name: 'a time that comes twice counts once, the first time',
      time: '2026-10-25T00:30Z',
      spec: { ...berlin, schedule: '30 2 * * *', duration: '30m' },
      until: '2026-10-25T01:00Z',
    },
    {
      name: 'a time that comes twice does not count the second time',
      time: '2026-10-25T01:30Z',
      spec: { ...berlin, schedule: '30 2 * * *', duration: '30m' },
      until: 'open',
    },
    {
      name: 'a duration over the change in spring is real time',
      time: '2026-03-28T22:00Z',
      spec: { ...berlin, schedule: '0 22 * * 6', duration: '8h' },
      until: '2026-03-29T05:00Z',
    },
    {
      name: 'a duration over the change in autumn is real time',
      time: '2026-10-24T22:00Z',
      spec: { ...berlin, schedule: '0 22 * * 6', duration: '8h' },
      until: '2026-10-25T04:00Z',
    },
    {
      name: 'every quarter of an hour leaves out what is skipped',
      time: '2026-03-29T00:50Z',
      spec: { ...berlin, schedule: '*/15 2 * * *', duration: '15m' },
      until: 'open',
    },
    {
      name: 'every quarter of an hour comes in both of the two hours',
      time: '2026-10-25T00:10Z',
      spec: { ...berlin, schedule: '*/15 2 * * *', duration: '15m' },
      until: '2026-10-25T02:00Z',
    },
    {
      name: 'an offset of half an hour',
      time: '2026-12-01T04:00Z',
      spec: { timeZone: 'Asia/Kolkata', schedule: '30 9 * * *', duration: '1h' },
      until: '2026-12-01T05:00Z',
    },
    {
      name: 'an offset of three quarters of an hour',
      time: '2026-12-01T00:15Z',
      spec: { timeZone: 'Asia/Kathmandu', schedule: '0 6 * * *', duration: '1h' },
      until: '2026-12-01T01:15Z',
    },
    {
      name: 'a change of half an hour',
      time: '2026-10-03T15:30Z',
      spec: { timeZone: 'Australia/Lord_Howe', schedule: '15 2 * * *', duration: '1h' },
      until: '2026-10-03T16:30Z',
    },
    {
      name: 'the day of a zone is not that of UTC',
      time: '2026-12-04T11:30Z',
      spec: { timeZone: 'Pacific/Auckland', schedule: '0 0 * * 6', duration: '24h' },
      until: '2026-12-05T11:00Z',
    },
  ];

  test.each(changes)('$name', ({ time, spec, until }) => {
    expect(heldUntil(time, spec)).toBe(until);
  });
});

describe('what a verdict says', () => {
  const messageAt = (time: string, ...specs: Spec[]) => {
    const verdict = verdictAt(time, ...specs);
    return verdict.open ? 'open' : verdict.message;
  };

  test('names the Window that denies, and when changes go on', () => {
    expect(messageAt('2026-12-01T23:00Z', night)).toBe(
      "Window 'apps/w1' holds changes until 2026-12-02T06:00:00Z",
    );
  });

  test('names those that allow', () => {
    expect(messageAt('2026-12-05T12:00Z', day)).toBe(
      "Window 'apps/w1' is not open: changes wait until 2026-12-07T09:00:00Z",
    );
  });

  test('names three at most', () => {
    expect(messageAt('2026-12-01T23:00Z', night, night, night, night)).toBe(
      "Windows 'apps/w1', 'apps/w2', 'apps/w3' and 1 more hold changes until 2026-12-02T06:00:00Z",
    );
  });

  test('says when no end is known', () => {
    expect(messageAt('2026-12-01T23:00Z', { schedule: '* * * * *', duration: '1m' })).toBe(
      "Window 'apps/w1' holds changes, and no end is known",
    );
  });

  test('what was begun may go on only when all that hold say so', () => {
    expect(verdictAt('2026-12-01T23:00Z', night)).toMatchObject({ overrun: true });
    expect(verdictAt('2026-12-01T23:00Z', night, { overrun: false })).toMatchObject({
      overrun: false,
    });
    const later: Spec = { schedule: '0 3 * * *', duration: '1h', overrun: false };
    expect(verdictAt('2026-12-01T23:00Z', night, later)).toMatchObject({ overrun: true });
  });

  test('drift is only reported when one that holds says so', () => {
    expect(verdictAt('2026-12-01T23:00Z', night)).toMatchObject({ holdsDrift: false });
    expect(verdictAt('2026-12-01T23:00Z', night, { holdsDrift: true })).toMatchObject({
      holdsDrift: true,
    });
  });
});

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
