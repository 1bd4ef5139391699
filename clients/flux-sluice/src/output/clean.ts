import { cut, printable } from '@sluice/shared/base';

/** Longest value that is shown of one field, in characters; the format json has all of it. */
const maxValue = 200;

/** Returns what the cluster says as one line without control characters, which could command a terminal. */
export function oneLine(text: unknown): string {
  return printable(String(text ?? ''))
    .replace(/\s+/g, ' ')
    .trim();
}

/** Returns the value of a field in one line: JSON, cut where it is long. */
export function valueText(value: unknown): string {
  return cut(oneLine(JSON.stringify(value)), maxValue);
}
