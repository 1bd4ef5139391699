import type { Alert, AlertSpec } from '@sluice/shared/api';
import { errorMessage, parseDuration } from '@sluice/shared/base';
import { isTimeZone, type QuietHours } from './quiet-hours.ts';

export type GroupField = NonNullable<NonNullable<AlertSpec['groupBy']>['fields']>[number];

/** What an alert says against noise. Times are in milliseconds. */
export interface NoiseRules {
  group?: { fields: readonly GroupField[]; windowMs: number };
  threshold?: { count: number; withinMs: number };
  repeatMs?: number;
  quiet: QuietHours[];
}

/** Something in the spec that has no effect. */
interface Problem {
  field: string;
  problem: string;
}

interface Read {
  rules: NoiseRules;
  problems: Problem[];
}

const minMs = 1_000;
const dayMs = 24 * 60 * 60_000;
const maxRepeatMs = 30 * dayMs;

const known = new WeakMap<AlertSpec, Read>();

/** Reads what an alert says against noise; what cannot be honoured counts as unset. */
export function noiseRules({ spec }: Alert): NoiseRules {
  return read(spec).rules;
}

/** Finds what an alert says against noise that cannot be honoured. */
export function noiseProblems({ spec }: Alert): Problem[] {
  return read(spec).problems;
}

/** Whether an alert says anything against noise. */
export function hasNoiseRules({ group, threshold, repeatMs, quiet }: NoiseRules): boolean {
  return Boolean(group || threshold || repeatMs !== undefined || quiet.length > 0);
}

function read(spec: AlertSpec): Read {
  const before = known.get(spec);
  if (before !== undefined) return before;
  const problems: Problem[] = [];
  const ms = (field: string, text: string, max: number) => {
    const problem = durationProblem(text, max);
    if (problem === undefined) return parseDuration(text);
    problems.push({ field: `spec.${field}`, problem });
    return undefined;
  };
  const { groupBy, threshold, repeatInterval } = spec;
  const windowMs = groupBy && ms('groupBy.window', groupBy.window, dayMs);
  const withinMs = threshold && ms('threshold.within', threshold.within, dayMs);
  const repeatMs = repeatInterval ? ms('repeatInterval', repeatInterval, maxRepeatMs) : undefined;
  const rules: NoiseRules = {
    quiet: quietHours(spec, problems),
    ...(windowMs !== undefined && { group: { fields: groupBy?.fields ?? [], windowMs } }),
    ...(threshold && withinMs !== undefined && { threshold: { count: threshold.count, withinMs } }),
    ...(repeatMs !== undefined && { repeatMs }),
  };
  const result = { rules, problems };
  known.set(spec, result);
  return result;
}

function durationProblem(text: string, max: number): string | undefined {
  try {
    const ms = parseDuration(text);
    if (ms >= minMs && ms <= max) return undefined;
    return `'${text}' is not between 1s and ${max / 3_600_000}h`;
  } catch (error) {
    return errorMessage(error);
  }
}

function quietHours({ quietHours = [] }: AlertSpec, problems: Problem[]): QuietHours[] {
  return quietHours.flatMap(({ timeZone = 'UTC', days, from, to }, index) => {
    if (isTimeZone(timeZone)) {
      const chosen = days === undefined || days.length === 0 ? {} : { days };
      return [{ timeZone, from: minutes(from), to: minutes(to), ...chosen }];
    }
    problems.push({
      field: `spec.quietHours[${index}].timeZone`,
      problem: `'${timeZone}' is no time zone: use an IANA name such as Europe/Berlin`,
    });
    return [];
  });
}

function minutes(time: string): number {
  const [hours = '', rest = ''] = time.split(':');
  return Number(hours) * 60 + Number(rest);
}
