import { chmodSync, copyFileSync, cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { getCACertificates } from 'node:tls';
import { imageUser } from './catalogue.ts';
import { type DebianPackage, packagesOwning } from './debian.ts';

const zoneInfo = '/usr/share/zoneinfo';

/**
 * Puts together what Node needs to run without a distribution: its program file, the libraries that it has loaded,
 * certificates, and names for the user.
 *
 * @param to the directory that becomes the root
 * @returns the packages that the libraries are from
 */
export function gatherRoot(to: string): DebianPackage[] {
  copy(process.execPath, join(to, 'usr/local/bin/node'));
  copy(join(dirname(process.execPath), '../LICENSE'), join(to, 'usr/share/doc/node/copyright'));
  const libraries = loadedLibraries();
  for (const library of libraries) copy(library, join(to, library));
  const packages = packagesOwning(libraries);
  describePackages(to, packages);
  write(to, 'etc/ssl/certs/ca-certificates.crt', `${getCACertificates('bundled').join('\n')}\n`);
  write(to, 'etc/passwd', `root:x:0:0:root:/:\nnobody:x:${imageUser}:${imageUser}:nobody:/tmp:\n`);
  write(to, 'etc/group', `root:x:0:\nnogroup:x:${imageUser}:\n`);
  // Without it, the C library asks the name server before it reads the hosts file.
  write(to, 'etc/nsswitch.conf', 'hosts: files dns\n');
  write(to, 'etc/os-release', readFileSync('/usr/lib/os-release', 'utf8'));
  mkdirSync(join(to, 'tmp'));
  chmodSync(join(to, 'tmp'), 0o1777);
  return packages;
}

/**
 * Adds the time zones.
 *
 * @returns the package that they are from
 */
export function gatherTimeZones(to: string): DebianPackage[] {
  // Both hold the same zones again, counted in other ways.
  const filter = (path: string) => !/^\/usr\/share\/zoneinfo\/(posix|right)$/.test(path);
  cpSync(zoneInfo, join(to, zoneInfo), { recursive: true, verbatimSymlinks: true, filter });
  const packages = packagesOwning([join(zoneInfo, 'UTC')]);
  describePackages(to, packages);
  return packages;
}

/** What this Node has loaded, the loader included; the first is none of the disk. */
function loadedLibraries(): string[] {
  const { sharedObjects } = process.report.getReport() as unknown as { sharedObjects: string[] };
  return sharedObjects.filter((path) => path.startsWith('/'));
}

/** Scanners find packages by these files where there is no dpkg. */
function describePackages(to: string, packages: readonly DebianPackage[]): void {
  for (const { name, status } of packages) {
    write(to, `var/lib/dpkg/status.d/${name}`, status);
    const copyright = `usr/share/doc/${name}/copyright`;
    copy(`/${copyright}`, join(to, copyright));
  }
}

function copy(from: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true });
  copyFileSync(from, to);
}

function write(to: string, path: string, text: string): void {
  mkdirSync(dirname(join(to, path)), { recursive: true });
  writeFileSync(join(to, path), text);
}
