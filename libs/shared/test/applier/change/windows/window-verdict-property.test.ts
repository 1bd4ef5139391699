import type { WindowSpec } from '@sluice/shared/api';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readWindow } from '../../../../src/applier/change/windows/read-window.ts';
import { windowVerdict } from '../../../../src/applier/change/windows/window-verdict.ts';
import { at, windowOf } from './windows-bed.ts';

const minuteMs = 60_000;
/** Of each zone the days around a change of its clock, and some without. */
const weeks = [
  { timeZone: 'UTC', from: '2026-12-25T00:00Z' },
  { timeZone: 'Europe/Berlin', from: '2026-03-25T00:00Z' },
  { timeZone: 'Europe/Berlin', from: '2026-10-21T00:00Z' },
  { timeZone: 'America/New_York', from: '2026-03-05T00:00Z' },
  { timeZone: 'America/New_York', from: '2026-10-29T00:00Z' },
  { timeZone: 'Australia/Lord_Howe', from: '2026-04-01T00:00Z' },
  { timeZone: 'Australia/Lord_Howe', from: '2026-10-01T00:00Z' },
  { timeZone: 'Asia/Kathmandu', from: '2028-02-26T00:00Z' },
];
const daysLooked = 8;
const daysBehind = 3;
/** Longest duration: a brute force has to begin before what is looked at by as much. */
const maxHours = 30;

/** One field of a schedule, and what it stands for. */
interface Part {
  text: string;
  values: ReadonlySet<number>;
  /** Whether it is one number. */
  isSingle: boolean;
}

interface Case {
  spec: Partial<WindowSpec>;
  parts: [Part, Part, Part, Part, Part];
  durationMinutes: number;
}

const range = (low: number, high: number, step = 1) =>
  Array.from({ length: Math.floor((high - low) / step) + 1 }, (_, index) => low + index * step);

function partOf(min: number, max: number): fc.Arbitrary<Part> {
  const number = fc.integer({ min, max });
  const part = (text: string, values: number[], isSingle = false): Part => ({
    text,
    values: new Set(values),
    isSingle,
  });
  return fc.oneof(
    number.map((value) => part(`${value}`, [value], true)),
    fc.constant(part('*', range(min, max))),
    fc.integer({ min: 2, max }).map((step) => part(`*/${step}`, range(min, max, step))),
    fc.tuple(number, number).map(([a, b]) => {
      const [low, high] = [Math.min(a, b), Math.max(a, b)];
      return part(`${low}-${high}`, range(low, high));
    }),
    fc
      .uniqueArray(number, { minLength: 2, maxLength: 4 })
      .map((values) => part(values.join(), values)),
  );
}

const everything = partOf(1, 12).map(
  (): Part => ({
    text: '*',
    values: new Set(range(1, 12)),
    isSingle: false,
  }),
);

/** Mostly those that open now and then within a week. */
const windowCase = (timeZone: string): fc.Arbitrary<Case> =>
  fc
    .record({
      kind: fc.constantFrom('Allow' as const, 'Deny' as const),
      parts: fc.tuple(partOf(0, 59), partOf(0, 23), partOf(1, 31), everything, partOf(0, 6)),
      durationMinutes: fc.integer({ min: 1, max: maxHours * 60 }),
    })
    .map(({ kind, parts, durationMinutes }) => ({
      spec: {
        kind,
        timeZone,
        schedule: parts.map(({ text }) => text).join(' '),
        duration: `${durationMinutes}m`,
      },
      parts,
      durationMinutes,
    }));

interface LocalMinute {
  minute: number;
  hour: number;
  day: number;
  month: number;
  weekday: number;
}

const locals = new Map<string, LocalMinute[]>();

/** What the clock of a zone shows in each minute of a time. */
function localMinutes(timeZone: string, fromMs: number, count: number): LocalMinute[] {
  const key = `${timeZone}/${fromMs}`;
  const known = locals.get(key);
  if (known !== undefined) return known;
  const format = new Intl.DateTimeFormat('en-GB', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
  });
  const found = range(0, count - 1).map((index) => {
    const parts = format.formatToParts(fromMs + index * minuteMs);
    const get = (type: string) => Number(parts.find((part) => part.type === type)?.value);
    const [year, month, day] = [get('year'), get('month'), get('day')];
    const weekday = new Date(Date.UTC(year, month - 1, day)).getUTCDay();
    return { minute: get('minute'), hour: get('hour'), day, month, weekday };
  });
  locals.set(key, found);
  return found;
}

const wallClock = ({ hour, minute }: LocalMinute) => hour * 60 + minute;

function isDay({ parts: [, , day, month, weekday] }: Case, local: LocalMinute): boolean {
  if (!month.values.has(local.month)) return false;
  const isDayOfMonth = day.values.has(local.day);
  const isWeekday = weekday.values.has(local.weekday);
  // As of old, either is enough when both are limited.
  if (day.text === '*' || weekday.text === '*') return isDayOfMonth && isWeekday;
  return isDayOfMonth || isWeekday;
}

/** The minutes in which a Window opens, found by looking at each of them. */
function openings(of: Case, minutes: readonly LocalMinute[]): number[] {
  const [minute, hour] = of.parts;
  const isFixed = minute.isSingle && hour.isSingle;
  const wanted = ([...hour.values][0] as number) * 60 + ([...minute.values][0] as number);
  return minutes.flatMap((local, index) => {
    if (!isDay(of, local)) return [];
    if (!isFixed) {
      return minute.values.has(local.minute) && hour.values.has(local.hour) ? [index] : [];
    }
    const now = wallClock(local);
    const previous = minutes[index - 1];
    const before = previous === undefined || previous.day !== local.day ? -1 : wallClock(previous);
    // A time that the clock has jumped over counts at once; one that was there before does not count again.
    const isJumpedOver = before < wanted && wanted < now && now - before > 1;
    if (now !== wanted) return isJumpedOver ? [index] : [];
    const wasThere = minutes
      .slice(Math.max(0, index - 180), index)
      .some((one) => one.day === local.day && wallClock(one) === now);
    return wasThere ? [] : [index];
  });
}

function isOpenByMinute(of: Case, minutes: readonly LocalMinute[]): boolean[] {
  const isOpen = new Array<boolean>(minutes.length).fill(false);
  for (const index of openings(of, minutes))
    isOpen.fill(true, index, Math.min(minutes.length, index + of.durationMinutes));
  return isOpen;
}

const someCases = fc.constantFrom(...weeks).chain((week) =>
  fc.record({
    week: fc.constant(week),
    cases: fc.array(windowCase(week.timeZone), { minLength: 1, maxLength: 3 }),
    looks: fc.array(fc.nat({ max: daysLooked * 1440 - 1 }), { minLength: 5, maxLength: 20 }),
  }),
);

test('a verdict is what looking at every minute comes to', () => {
  fc.assert(
    fc.property(someCases, ({ week, cases, looks }) => {
      const lead = maxHours * 60;
      const fromMs = at(week.from) - lead * minuteMs;
      // What is behind is for the ends.
      const minutes = localMinutes(week.timeZone, fromMs, lead + (daysLooked + daysBehind) * 1440);
      const open = cases.map((one) => isOpenByMinute(one, minutes));
      const allows = open.filter((_, index) => cases[index]?.spec.kind === 'Allow');
      const denies = open.filter((_, index) => cases[index]?.spec.kind === 'Deny');
      const isHeld = minutes.map(
        (_, index) =>
          denies.some((one) => one[index]) ||
          (allows.length > 0 && !allows.some((one) => one[index])),
      );
      const windows = cases.map(({ spec }, index) => readWindow(windowOf(`w${index}`, spec)));
      for (const look of looks) {
        const index = lead + look;
        const verdict = windowVerdict(windows, fromMs + index * minuteMs + 30_000);
        expect({ at: index, open: verdict.open }).toEqual({ at: index, open: !isHeld[index] });
        const end = isHeld.indexOf(false, index);
        if (verdict.open || end < 0 || verdict.untilMs === undefined) continue;
        expect((verdict.untilMs - fromMs) / minuteMs).toBe(end);
      }
    }),
    { numRuns: 60 },
  );
});
