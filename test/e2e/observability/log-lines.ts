import { readFile } from 'node:fs/promises';
import { logLevels } from '@sluice/shared/base';

const maxLineBytes = 64 * 1024;
const textFields = ['ts', 'level', 'msg', 'logger', 'error', 'controllerKind', 'name', 'namespace'];

/** Says what keeps `flux logs` from reading a log; nothing when all is well. */
export async function unreadableLines(file: string): Promise<string[]> {
  const lines = (await readFile(file, 'utf8')).split('\n').filter((line) => line !== '');
  return lines.flatMap((line) => {
    const why = whyUnreadable(line);
    return why === undefined ? [] : [`${why}: ${line.slice(0, 500)}`];
  });
}

function whyUnreadable(line: string): string | undefined {
  if (Buffer.byteLength(line) >= maxLineBytes) return 'too long';
  if (!line.startsWith('{')) return 'no JSON, and not shown';
  let fields: Record<string, unknown>;
  try {
    fields = JSON.parse(line) as Record<string, unknown>;
  } catch {
    return 'not JSON';
  }
  for (const name of ['ts', 'level', 'msg', 'logger']) if (!fields[name]) return `no ${name}`;
  for (const name of textFields) {
    if (fields[name] !== undefined && typeof fields[name] !== 'string') return `${name} is no text`;
  }
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(String(fields['ts']))) return 'not ISO 8601';
  if (!(logLevels as readonly unknown[]).includes(fields['level'])) return 'unknown level';
  return undefined;
}
