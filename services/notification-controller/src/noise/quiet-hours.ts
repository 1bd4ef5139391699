/** Hours in which an alert sends nothing. */
export interface QuietHours {
  timeZone: string;
  /** Days on which they begin, such as `Mon`; undefined: every day. */
  days?: readonly string[];
  /** Minutes since midnight. */
  from: number;
  /** Minutes since midnight; on the next day unless it is later than `from`. */
  to: number;
}

const weekdays: readonly string[] = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];

/** Whether there is a time zone of that name. */
export function isTimeZone(timeZone: string): boolean {
  return formatFor(timeZone) !== undefined;
}

/** Whether a time, in milliseconds since the epoch, is among the hours. */
export function isQuiet(hours: readonly QuietHours[], ms: number): boolean {
  return hours.some((each) => isAmong(each, ms));
}

function isAmong({ timeZone, days, from, to }: QuietHours, ms: number): boolean {
  const time = wallTime(timeZone, ms);
  if (time === undefined) return false;
  const begins = (day: number) => days === undefined || days.includes(weekdays[day % 7] ?? '');
  if (from < to) return begins(time.day) && time.minute >= from && time.minute < to;
  const startedToday = time.minute >= from && begins(time.day);
  // Six days later is the day before.
  const startedYesterday = time.minute < to && begins(time.day + 6);
  return startedToday || startedYesterday;
}

function wallTime(timeZone: string, ms: number): { day: number; minute: number } | undefined {
  const parts = formatFor(timeZone)?.formatToParts(ms);
  if (parts === undefined) return undefined;
  const part = (type: Intl.DateTimeFormatPartTypes) =>
    parts.find((each) => each.type === type)?.value ?? '';
  return {
    day: weekdays.indexOf(part('weekday')),
    minute: Number(part('hour')) * 60 + Number(part('minute')),
  };
}

/** Formats cost much to make and are few; what no zone is called is not kept. */
const formats = new Map<string, Intl.DateTimeFormat>();

function formatFor(timeZone: string): Intl.DateTimeFormat | undefined {
  const known = formats.get(timeZone);
  if (known !== undefined) return known;
  try {
    const format = new Intl.DateTimeFormat('en-US', {
      timeZone,
      weekday: 'short',
      hour: '2-digit',
      minute: '2-digit',
      hourCycle: 'h23',
    });
    // Of the same zone in other capitals there are too many.
    if (formats.size < 1_000) formats.set(timeZone, format);
    return format;
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}
