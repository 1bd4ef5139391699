import {
  type KindDefinition,
  type KubeObject,
  type WindowSpec,
  windowKind,
  withoutWrongFields,
  wrongFieldOf,
} from '@sluice/shared/api';
import { cut, errorMessage, parseDuration } from '@sluice/shared/base';
import { keyOf, type LabelMatcher, labelMatcherOf } from '@sluice/shared/kube';
import { parseSchedule } from './schedule.ts';
import { WindowSpans } from './window-spans.ts';

/** A Window as it is evaluated. */
export interface ReadWindow {
  /** `namespace/name`. */
  id: string;
  isDeny: boolean;
  /** When it is open, or why that is unknown. */
  opens: WindowSpans | { problem: string };
  /** Whether it is for an object of these labels. */
  selects: LabelMatcher;
  overrun: boolean;
  holdsDrift: boolean;
}

const kind = windowKind as KindDefinition;
/** A shorter one would be over before anybody has looked. */
const leastDurationMs = 1000;
/** Labels, conditions and values of one selector. */
const maxSelectorParts = 1000;
const maxShown = 100;

/**
 * Reads a Window. One that cannot be read holds what it selects, and everything when that cannot be read either; the
 * problem names the field and the fix.
 */
export function readWindow(window: KubeObject): ReadWindow {
  const { spec = {} } = withoutWrongFields(kind, window) as { spec?: Partial<WindowSpec> };
  const problem = wrongFieldOf(kind, window);
  const selection = selectionOf(window, spec);
  const opens = problem === undefined ? opensOf(spec as WindowSpec) : { problem };
  return {
    id: keyOf(window),
    isDeny: spec.kind !== 'Allow',
    opens: 'problem' in selection && !('problem' in opens) ? selection : opens,
    selects: 'problem' in selection ? () => true : selection.selects,
    overrun: spec.overrun !== false,
    holdsDrift: spec.holdsDrift === true,
  };
}

function selectionOf(
  window: KubeObject,
  { selector }: Partial<WindowSpec>,
): { selects: LabelMatcher } | { problem: string } {
  const asked = (window as { spec?: { selector?: unknown } | null }).spec?.selector ?? undefined;
  if (selector === undefined && asked !== undefined) return { problem: 'spec.selector is wrong' };
  const { matchLabels = {}, matchExpressions = [] } = selector ?? {};
  const parts = matchExpressions.flatMap(({ values = [] }) => [1, ...values]).length;
  if (parts + Object.keys(matchLabels).length > maxSelectorParts)
    return {
      problem: `spec.selector has more than ${maxSelectorParts} labels, conditions and values: use fewer`,
    };
  try {
    return { selects: labelMatcherOf(selector ?? {}) };
  } catch (error) {
    return { problem: `spec.selector.${errorMessage(error)}` };
  }
}

function opensOf({ schedule, duration, timeZone = 'UTC' }: WindowSpec): ReadWindow['opens'] {
  const durationMs = read(() => parseDuration(duration));
  if (typeof durationMs !== 'number' || durationMs < leastDurationMs) {
    return { problem: wrong('duration', duration, 'is none', 'write for instance 8h or 1h30m') };
  }
  const zone = read(() => new Intl.DateTimeFormat('en', { timeZone }));
  if (zone instanceof RangeError) {
    const fix = 'write a name such as Europe/Berlin, or leave it out for UTC';
    return { problem: wrong('timeZone', timeZone, 'is not known', fix) };
  }
  const times = read(() => parseSchedule(schedule, timeZone));
  if (times instanceof RangeError) {
    return { problem: wrong('schedule', schedule, 'cannot be read', times.message) };
  }
  return new WindowSpans(times, durationMs);
}

function wrong(field: string, value: string, what: string, fix: string): string {
  return `spec.${field} '${cut(value, maxShown)}' ${what}: ${fix}`;
}

/** Gives back what is thrown of values that are out of what is understood. */
function read<T>(parse: () => T): T | RangeError {
  try {
    return parse();
  } catch (error) {
    if (error instanceof RangeError) return error;
    throw error;
  }
}
