import { readFileSync } from 'node:fs';

/** Short enough that a program cannot take much more than its limit, long enough that most end before. */
const checkMs = 20;

/** Of the kernels that Node runs on; those with larger pages report fewer of them, so that the limit is only wider. */
const pageBytes = 4096;

/** Resident memory of a process in bytes; undefined when it has ended, or where there is no /proc. */
export function residentBytes(pid: number): number | undefined {
  try {
    return Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]) * pageBytes;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ESRCH') return undefined;
    throw error;
  }
}

/**
 * Looks at the resident memory of a process until it ends. The kernel tells nobody how much one takes, and the limits
 * that it enforces count the address space, of which Go and Node reserve far more than they use.
 *
 * @param pid undefined for a process that did not start
 * @param maxBytes undefined for no limit
 * @param onExceeded called once
 * @returns what to stop when the process is known to have ended
 */
export function watchMemory(
  pid: number | undefined,
  maxBytes: number | undefined,
  onExceeded: () => void,
): { stop(): void } {
  if (pid === undefined || maxBytes === undefined) return { stop: () => undefined };
  const timer = setInterval(() => {
    const bytes = residentBytes(pid);
    if (bytes !== undefined && bytes <= maxBytes) return;
    clearInterval(timer);
    if (bytes !== undefined) onExceeded();
  }, checkMs);
  return { stop: () => clearInterval(timer) };
}
