import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';

const database = '/var/lib/dpkg';

/** A package that dpkg has installed. */
export interface DebianPackage {
  name: string;
  version: string;
  architecture: string;
  /** Its paragraph in dpkg's status file. */
  status: string;
}

/**
 * The packages that own files of this machine.
 *
 * @param files absolute paths
 * @throws Error naming a file that no package owns
 */
export function packagesOwning(files: readonly string[]): DebianPackage[] {
  const owners = listOwners();
  const names = files.map((file) => {
    const owner = pathsOf(file)
      .map((path) => owners.get(path))
      .find((found) => found !== undefined);
    if (owner === undefined) throw new Error(`${file}: no Debian package owns it`);
    return owner;
  });
  const paragraphs = readFileSync(join(database, 'status'), 'utf8').split(/\n\n+/);
  return [...new Set(names)].sort().map((name) => describe(name, paragraphs));
}

/** Owner by path. A list is named by the package, with its architecture where several may be installed. */
function listOwners(): Map<string, string> {
  const info = join(database, 'info');
  const owners = new Map<string, string>();
  for (const file of readdirSync(info).filter((name) => name.endsWith('.list'))) {
    const owner = file.slice(0, -'.list'.length);
    for (const path of readFileSync(join(info, file), 'utf8').split('\n')) owners.set(path, owner);
  }
  return owners;
}

/** A file's names: lists have those from before /lib became a link to /usr/lib, and those behind links. */
function pathsOf(file: string): string[] {
  const real = existsSync(file) ? realpathSync(file) : file;
  return [file, real].flatMap((path) => [
    path,
    path.replace(/^\/usr\/(?=lib)/, '/'),
    `/usr${path}`,
  ]);
}

function describe(owner: string, paragraphs: readonly string[]): DebianPackage {
  const [name, wanted] = owner.split(':', 2) as [string, string | undefined];
  for (const status of paragraphs) {
    const field = (key: string) => new RegExp(`^${key}: (.*)$`, 'm').exec(status)?.[1] ?? '';
    if (field('Package') !== name) continue;
    const architecture = field('Architecture');
    if (wanted !== undefined && wanted !== architecture) continue;
    return { name, version: field('Version'), architecture, status: `${status.trim()}\n` };
  }
  throw new Error(`${database}/status has no package ${owner}`);
}
