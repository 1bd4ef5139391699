import { oneLine } from './clean.ts';

function longestRun(text: string): number {
  return [...text.matchAll(/`+/g)].reduce((max, [run]) => Math.max(max, run.length), 0);
}

/** Returns a text as code in a line or in a cell of a table, so that nothing in it means anything to Markdown. */
export function code(text: unknown): string {
  const line = oneLine(text);
  if (line === '') return '-';
  const ticks = '`'.repeat(longestRun(line) + 1);
  const space = line.startsWith('`') || line.endsWith('`') ? ' ' : '';
  return `${ticks}${space}${line.replaceAll('|', '\\|')}${space}${ticks}`;
}

/** Returns lines as a block of code that none of them can end. */
export function codeBlock(language: string, lines: readonly string[]): string {
  const fence = '`'.repeat(Math.max(3, ...lines.map((line) => longestRun(line) + 1)));
  return `${fence}${language}\n${lines.map((line) => `${line}\n`).join('')}${fence}\n`;
}

/** Returns a table, each cell of which is code. */
export function formatMarkdownTable(header: readonly string[], rows: readonly string[][]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |\n`;
  return [header, header.map(() => '---'), ...rows.map((row) => row.map(code))].map(line).join('');
}
