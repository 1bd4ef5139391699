import { describe, expect, test } from 'vitest';
import { readWindow } from '../../../../src/applier/change/windows/read-window.ts';
import { windowVerdict } from '../../../../src/applier/change/windows/window-verdict.ts';
import { day, heldUntil, night, type Spec, verdictAt } from './verdicts.ts';
import { at, windowOf } from './windows-bed.ts';

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
