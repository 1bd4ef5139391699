import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** The programs by which containers are made: iproute2, util-linux and coreutils. */
const programs = ['ip', 'mount', 'nsenter', 'unshare', 'setpriv', 'chroot', 'sleep', 'sh'] as const;
export type Program = (typeof programs)[number];

/** Why Pods cannot be run as processes here although nothing is broken; undefined when they can. */
export function podsCannotRun(): string | undefined {
  if (process.platform !== 'linux') return 'needs Linux: Pods run in its namespaces';
  if (process.getuid?.() !== 0)
    return 'needs root: Pods get network and mount namespaces of their own';
  return undefined;
}

/**
 * The absolute paths of the programs; containers have their own search path.
 *
 * @throws Error naming the programs that are not installed
 */
export function findPrograms(): Record<Program, string> {
  const folders = [
    '/usr/sbin',
    '/usr/bin',
    '/sbin',
    '/bin',
    ...(process.env['PATH'] ?? '').split(delimiter),
  ];
  const found: Partial<Record<Program, string>> = {};
  for (const name of programs) {
    const folder = folders.find((each) => existsSync(join(each, name)));
    if (folder) found[name] = join(folder, name);
  }
  const missing = programs.filter((name) => !found[name]);
  if (missing.length > 0) {
    throw new Error(
      `not installed: ${missing.join(', ')} (on Debian in iproute2, util-linux and coreutils)`,
    );
  }
  return found as Record<Program, string>;
}
