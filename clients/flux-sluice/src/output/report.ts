import type { Session } from '../session.ts';
import { formatJson } from './json.ts';

/** The result of a command, in each format that it has. */
export interface Report {
  text(): string;
  json(): unknown;
  markdown?(): string;
}

/** Prints a result in the format that was asked for. */
export function print({ invocation, terminal }: Session, report: Report): void {
  const { output } = invocation;
  if (output === 'json') terminal.out(formatJson(report.json()));
  else if (output === 'markdown' && report.markdown) terminal.out(report.markdown());
  else terminal.out(report.text());
}
