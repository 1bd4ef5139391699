import { glob, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { KubeObject } from '@sluice/shared/api';

const root = join(import.meta.dirname, '../../..');

/** What stands in the documentation, and where it is in the test. */
export type Addresses = Record<string, string>;

/** Puts the addresses of a test in place of those that the documentation uses. */
export function readdress(text: string, addresses: Addresses): string {
  return Object.entries(addresses).reduce(
    (result, [from, to]) => result.replaceAll(from, to),
    text,
  );
}

/** An object of the documentation with the addresses of a test, over plain HTTP where that has to be allowed. */
export function readdressed(object: KubeObject, addresses: Addresses): KubeObject {
  const moved = JSON.parse(readdress(JSON.stringify(object), addresses)) as KubeObject & {
    spec?: Record<string, unknown>;
  };
  if (moved.kind === 'OCIRepository' && moved.spec) moved.spec['insecure'] = true;
  return moved;
}

/** The files of a directory of the repository, by path below it. */
export async function filesOf(dir: string, addresses: Addresses): Promise<Record<string, string>> {
  const files: Record<string, string> = {};
  for await (const entry of glob('**/*.yaml', { cwd: join(root, dir), withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const name = path.slice(join(root, dir).length + 1);
    files[name] = readdress(await readFile(path, 'utf8'), addresses);
  }
  return files;
}
