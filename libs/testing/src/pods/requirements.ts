import { readFileSync } from 'node:fs';
import { delimiter } from 'node:path';
import { findProgram } from '@sluice/shared/cli';

/** The programs by which containers are made: iproute2, util-linux and coreutils. */
const programs = ['ip', 'mount', 'nsenter', 'unshare', 'setpriv', 'chroot', 'sleep', 'sh'] as const;
export type Program = (typeof programs)[number];

/** Bits of the capabilities by which root makes namespaces, interfaces and mounts. */
const capabilities = { CAP_NET_ADMIN: 12n, CAP_SYS_CHROOT: 18n, CAP_SYS_ADMIN: 21n };

/**
 * Why Pods cannot be run as processes here although nothing is broken; undefined when they can.
 *
 * @throws Error with the reason when SLUICE_PODS is `required`, as in CI, so that nothing is left out in silence
 */
export function podsCannotRun(): string | undefined {
  const reason = whatIsMissing();
  if (reason !== undefined && process.env['SLUICE_PODS'] === 'required') {
    throw new Error(`running Pods ${reason}`);
  }
  return reason;
}

function whatIsMissing(): string | undefined {
  if (process.platform !== 'linux') return 'needs Linux: Pods run in its namespaces';
  if (process.getuid?.() !== 0)
    return 'needs root: Pods get network and mount namespaces of their own';
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
  const held = BigInt(`0x${effective ?? '0'}`);
  const lacking = Object.entries(capabilities).filter(([, bit]) => ((held >> bit) & 1n) === 0n);
  if (lacking.length > 0) return `needs ${lacking.map(([name]) => name).join(', ')}`;
  const missing = programs.filter((name) => pathOf(name) === undefined);
  if (missing.length > 0) return notInstalled(missing);
  return undefined;
}

/** Where a program is; containers have their own search path. */
function pathOf(name: Program): string | undefined {
  const own = (process.env['PATH'] ?? '').split(delimiter);
  const folders = ['/usr/sbin', '/usr/bin', '/sbin', '/bin', ...own];
  const found = findProgram(name, folders.join(delimiter));
  return found === name ? undefined : found;
}

function notInstalled(names: readonly Program[]): string {
  return `needs ${names.join(', ')} (on Debian in iproute2, util-linux and coreutils)`;
}

/**
 * The absolute paths of the programs.
 *
 * @throws Error naming the programs that are not installed
 */
export function findPrograms(): Record<Program, string> {
  const found = programs.map((name) => [name, pathOf(name)] as const);
  const missing = found.filter(([, path]) => path === undefined).map(([name]) => name);
  if (missing.length > 0) throw new Error(`running Pods ${notInstalled(missing)}`);
  return Object.fromEntries(found) as Record<Program, string>;
}
