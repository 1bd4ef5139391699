import { describe, expect, test } from 'vitest';
import { heldUntil, type Spec } from './verdicts.ts';

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
