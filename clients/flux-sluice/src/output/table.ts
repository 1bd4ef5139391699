import { oneLine } from './clean.ts';

/** Returns rows in columns as kubectl prints them; cells lose control characters and line breaks. */
export function formatTable(header: readonly string[], rows: readonly string[][]): string {
  const cells = [[...header], ...rows].map((row) => row.map((cell) => oneLine(cell) || '-'));
  const widths = header.map((_, column) =>
    cells.reduce((width, row) => Math.max(width, row[column]?.length ?? 0), 0),
  );
  return cells
    .map((row) => row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join('   '))
    .map((line) => `${line.trimEnd()}\n`)
    .join('');
}
