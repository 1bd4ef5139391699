import { lstat, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { KubeObject } from '@sluice/shared/api';

/** What is searched to explain a failure. */
const maxFiles = 2000;
const maxFileBytes = 2 ** 20;
const maxBytes = 64 * maxFileBytes;

/** The paths of the files that a build has read, from what it says that it looked at. */
function filesIn(seen: string): string[] {
  const entries = Object.entries(JSON.parse(seen) as Record<string, string>);
  const read = entries.filter(([path, what]) => what.length > 1 && !path.endsWith('/'));
  return read
    .map(([path]) => path)
    .sort()
    .slice(0, maxFiles);
}

async function textOf(path: string): Promise<string> {
  const info = await lstat(path);
  return info.isFile() && info.size <= maxFileBytes ? readFile(path, 'utf8') : '';
}

/** The line, from 1, on which an expression stands that is not escaped. */
function lineOf(expression: string, text: string): number | undefined {
  for (let at = text.indexOf(expression); at !== -1; at = text.indexOf(expression, at + 1)) {
    if (text[at - 1] !== '$') return text.slice(0, at).split('\n').length;
  }
  return undefined;
}

/**
 * Finds where an expression stands in the files of a build: in one that names the object, else in the first.
 *
 * @param root directory of the artifact
 * @param seen what the build looked at
 * @returns path and line, such as `apps/web.yaml:12`; undefined when it is in no file, as it may come from elsewhere
 */
export async function locateExpression(
  { root, seen }: { root: string; seen: string | undefined },
  expression: string,
  object: KubeObject,
): Promise<string | undefined> {
  let first: string | undefined;
  let length = 0;
  for (const path of filesIn(seen ?? '{}')) {
    if (length > maxBytes) break;
    const text = await textOf(join(root, path));
    length += text.length;
    const line = lineOf(expression, text);
    if (line === undefined) continue;
    const place = `${path}:${line}`;
    if (text.includes(object.metadata.name)) return place;
    first ??= place;
  }
  return first;
}
