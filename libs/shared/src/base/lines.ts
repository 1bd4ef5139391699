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
