import type { FieldChange } from './object-diff.ts';
import { displayName } from './object-id.ts';
import {
  isUnchanged,
  isVersionLabel,
  type ObjectChange,
  type ReleaseChanges,
  type Replaced,
} from './release-changes.ts';

/** Characters of a text for an event, which the API server cuts off at 1,024. */
const defaultMaxLength = 900;
/** Paths of values in the text for an event. */
const maxListedValues = 10;
/** Paths of values in the line for a status. */
const maxNamedValues = 3;

/**
 * Describes changes for people, one line each for chart, values and every object, without any value of a field.
 *
 * @param maxLength characters; what does not fit is counted in the last line
 * @returns the empty string when nothing has changed
 */
export function describeChanges(changes: ReleaseChanges, maxLength = defaultMaxLength): string {
  const head = [...headLines(changes), ...valueLines(changes)];
  const lines = changes.objects.filter(({ onlyVersions }) => !onlyVersions).map(objectLine);
  for (let shown = lines.length; ; shown--) {
    const text = [...head, ...lines.slice(0, shown), ...restLines(changes, shown)].join('\n');
    if (text.length <= maxLength) return text;
    if (shown === 0) return `${text.slice(0, maxLength - 3)}...`;
  }
}

/**
 * Sums changes up in one line, such as `chart 1.0.0 to 1.1.0; values image.tag; 1 created, 2 changed`.
 *
 * @returns the empty string when nothing has changed
 */
export function summarizeChanges(changes: ReleaseChanges): string {
  if (isUnchanged(changes)) return '';
  const { values, moreValues, counts } = changes;
  const hidden = values.length - maxNamedValues + moreValues;
  const more = hidden > 0 ? ` and ${hidden} more` : '';
  const paths = values.slice(0, maxNamedValues).map(({ path }) => path);
  const objects = Object.entries(counts).filter(([, count]) => count > 0);
  return [
    ...headLines(changes),
    ...(paths.length > 0 ? [`values ${paths.join(', ')}${more}`] : []),
    ...(objects.length > 0
      ? [objects.map(([action, count]) => `${count} ${action}`).join(', ')]
      : []),
  ].join('; ');
}

function headLines({ chart, appVersion }: ReleaseChanges): string[] {
  return [
    ...(chart ? [`chart ${fromTo(chart)}`] : []),
    ...(appVersion ? [`app version ${fromTo(appVersion)}`] : []),
  ];
}

function fromTo({ from, to }: Replaced): string {
  if (from === undefined) return `${to}`;
  return `${from} to ${to ?? 'none'}`;
}

function valueLines({ values, moreValues }: ReleaseChanges): string[] {
  if (values.length === 0) return [];
  const hidden = Math.max(0, values.length - maxListedValues) + moreValues;
  return [`values: ${fieldTexts(values.slice(0, maxListedValues), hidden)}`];
}

function objectLine({ id, action, fields, moreFields }: ObjectChange): string {
  const telling = fields.filter((field) => !isVersionLabel(field));
  const what = action === 'changed' ? `: ${fieldTexts(telling, moreFields)}` : ` ${action}`;
  return `${displayName(id)}${what}`;
}

/** Changed fields are named alone, added and removed ones with that word. */
function fieldTexts(fields: FieldChange[], more: number): string {
  const texts = fields.map(({ path, kind, masked }) => {
    const notes = [...(kind === 'changed' ? [] : [kind]), ...(masked ? ['secret'] : [])];
    return notes.length === 0 ? path : `${path} (${notes.join(', ')})`;
  });
  return [...texts, ...(more > 0 ? [`and ${more} more`] : [])].join(', ');
}

function restLines({ counts, onlyVersions }: ReleaseChanges, shown: number): string[] {
  const all = Object.values(counts).reduce((sum, count) => sum + count, 0);
  const rest = all - onlyVersions - shown;
  return [
    ...(rest > 0
      ? [`${shown > 0 ? 'and ' : ''}${objectsText(rest)}${shown > 0 ? ' more' : ''}`]
      : []),
    ...(onlyVersions > 0 ? [`only version labels of ${objectsText(onlyVersions)}`] : []),
  ];
}

function objectsText(count: number): string {
  return count === 1 ? '1 object' : `${count} objects`;
}
