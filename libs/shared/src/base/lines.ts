/** Longest list in an event, in characters. */
const maxListLength = 4000;

/** Joins lines up to a length that suits an event, and says how many were left out. */
export function joinLines(lines: readonly string[]): string {
  const shown: string[] = [];
  let length = 0;
  for (const line of lines) {
    length += line.length + 1;
    if (length > maxListLength) break;
    shown.push(line);
  }
  const left = lines.length - shown.length;
  return left === 0 ? shown.join('\n') : `${shown.join('\n')}\n… and ${left} more`;
}

/** Shortens a text to a number of characters, the last of which then is an ellipsis. */
export function cut(text: string, max: number): string {
  return text.length <= max ? text : `${text.slice(0, max - 1).replace(/[\uD800-\uDBFF]$/, '')}…`;
}
