import { describe, expect, test } from 'vitest';
import { isQuiet, isTimeZone, type QuietHours } from '../../src/noise/quiet-hours.ts';

const night: QuietHours = { timeZone: 'Europe/Berlin', from: 22 * 60, to: 7 * 60 };

describe('quiet hours', () => {
  test.each<{ name: string; hours: QuietHours; at: string; want: boolean }>([
    { name: 'begin in the evening', hours: night, at: '2026-01-12T21:00:00Z', want: true },
    { name: 'not a minute before', hours: night, at: '2026-01-12T20:59:59Z', want: false },
    { name: 'go on after midnight', hours: night, at: '2026-01-13T05:59:59Z', want: true },
    { name: 'end in the morning', hours: night, at: '2026-01-13T06:00:00Z', want: false },
    { name: 'follow summer time', hours: night, at: '2026-07-13T20:00:00Z', want: true },
    { name: 'end by summer time', hours: night, at: '2026-07-13T05:00:00Z', want: false },
    {
      name: 'of Friday go on into Saturday',
      hours: { ...night, days: ['Fri'] },
      at: '2026-01-17T02:00:00Z',
      want: true,
    },
    {
      name: 'of Friday are not on the night before',
      hours: { ...night, days: ['Fri'] },
      at: '2026-01-16T02:00:00Z',
      want: false,
    },
    {
      name: 'of Saturday go on into Sunday, the first day of the week',
      hours: { ...night, days: ['Sat'] },
      at: '2026-01-18T02:00:00Z',
      want: true,
    },
    {
      name: 'within a day',
      hours: { timeZone: 'UTC', from: 12 * 60, to: 13 * 60 },
      at: '2026-01-12T12:59:00Z',
      want: true,
    },
    {
      name: 'within a day end',
      hours: { timeZone: 'UTC', from: 12 * 60, to: 13 * 60 },
      at: '2026-01-12T13:00:00Z',
      want: false,
    },
    {
      name: 'from a time to the same are a whole day',
      hours: { timeZone: 'UTC', days: ['Mon'], from: 0, to: 0 },
      at: '2026-01-12T23:59:00Z',
      want: true,
    },
    {
      name: 'of a whole day end with it',
      hours: { timeZone: 'UTC', days: ['Mon'], from: 0, to: 0 },
      at: '2026-01-13T00:00:00Z',
      want: false,
    },
    {
      name: 'of a zone that is none are never',
      hours: { timeZone: 'Europe/Nowhere', from: 0, to: 0 },
      at: '2026-01-12T12:00:00Z',
      want: false,
    },
  ])('$name', ({ hours, at, want }) => {
    expect(isQuiet([hours], Date.parse(at))).toBe(want);
  });

  test('know time zones by their names', () => {
    expect(isTimeZone('America/St_Johns')).toBe(true);
    expect(isTimeZone('../etc/passwd')).toBe(false);
    expect(isTimeZone('')).toBe(false);
  });
});
