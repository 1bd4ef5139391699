import { Cron } from 'croner';

/** When something opens. Times are in milliseconds since the epoch; searches end after some years, with undefined. */
export interface Schedule {
  /** The last time at or before the given one. */
  lastAt(ms: number): number | undefined;
  /** The first time after the given one. */
  nextAfter(ms: number): number | undefined;
}

interface Field {
  name: string;
  min: number;
  max: number;
  /** What stands for the numbers from `min` on. */
  names: readonly string[];
}

const fields: readonly Field[] = [
  { name: 'minute', min: 0, max: 59, names: [] },
  { name: 'hour', min: 0, max: 23, names: [] },
  { name: 'day of the month', min: 1, max: 31, names: [] },
  {
    name: 'month',
    min: 1,
    max: 12,
    names: ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'],
  },
  {
    name: 'day of the week',
    min: 0,
    max: 7,
    names: ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'],
  },
];

const itemPattern = /^(?:\*|([a-z0-9]{1,3})(?:-([a-z0-9]{1,3}))?)(?:\/(\d{1,2}))?$/;
const example = "write five fields such as '0 22 * * 5'";
const minuteMs = 60_000;

/**
 * Reads a schedule in the way of cron: five fields of numbers, names of months and days, `*`, lists, ranges and steps.
 * When both days are given, either of them is enough.
 *
 * A time that the clock skips in spring counts as the first one after it, when the schedule names one hour and one
 * minute; a schedule of several leaves it out. Of a time that comes twice in autumn, the former schedule takes the first.
 *
 * @param timeZone a name of the IANA database
 * @throws RangeError saying what cannot be read and how to write it
 */
export function parseSchedule(text: string, timeZone: string): Schedule {
  const parts = text.trim().toLowerCase().split(/\s+/);
  if (parts.length !== fields.length)
    throw new RangeError(`it has ${parts.length} fields: ${example}`);
  for (const [index, field] of fields.entries()) checkPart(parts[index] as string, field);
  const cron = new Cron(parts.join(' '), { mode: '5-part', timezone: timeZone });
  const minuteOf = (ms: number) => Math.floor(ms / minuteMs) * minuteMs;
  return {
    // What croner is asked for lies before the given second.
    lastAt: (ms) => cron.previousRuns(1, new Date(minuteOf(ms) + 1000))[0]?.getTime(),
    nextAfter: (ms) => cron.nextRun(new Date(minuteOf(ms)))?.getTime(),
  };
}

/** Refuses also what croner would take beyond this, such as `L`, `W`, `#`, `?` and `@daily`. */
function checkPart(part: string, field: Field): void {
  for (const item of part.split(',')) {
    const match = itemPattern.exec(item);
    if (match === null) {
      throw new RangeError(
        `'${item}' is no ${field.name}: use numbers, *, lists, ranges and steps such as 1,5, 1-5 and */5`,
      );
    }
    const [, low, high, step] = match;
    const from = low === undefined ? field.min : numberOf(low, field);
    const to = high === undefined ? undefined : numberOf(high, field);
    if (to !== undefined && to < from)
      throw new RangeError(`'${item}' begins after its end: write it as two, separated by a comma`);
    if (step === undefined) continue;
    if (low !== undefined && high === undefined)
      throw new RangeError(
        `'${item}' has a step without a range: write ${low}-${field.max}/${step}`,
      );
    if (Number(step) === 0 || Number(step) > field.max)
      throw new RangeError(`'${item}' has a step that is none: use 1 to ${field.max}`);
  }
}

function numberOf(text: string, field: Field): number {
  const index = field.names.indexOf(text);
  const value = index < 0 ? Number(text) : field.min + index;
  if (value >= field.min && value <= field.max) return value;
  throw new RangeError(`'${text}' is no ${field.name}: use ${field.min} to ${field.max}`);
}
