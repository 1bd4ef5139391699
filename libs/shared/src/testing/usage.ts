import { readFile } from 'node:fs/promises';

/** What a process has used. */
export interface Usage {
  /** User and system time of the process and of its children that have ended. */
  cpuSeconds: number;
  peakRssMiB: number;
}

/** Linux counts process times in ticks of 10 ms on every architecture that Node runs on. */
const ticksPerSecond = 100;

/**
 * Reads CPU time and peak memory of a process; zeros when it does not run.
 *
 * @see https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
 */
export async function usageOf(pid: number | undefined): Promise<Usage> {
  if (pid === undefined) return { cpuSeconds: 0, peakRssMiB: 0 };
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  const fields = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number);
  const [utime = 0, stime = 0, cutime = 0, cstime = 0] = fields.slice(11, 15);
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return {
    cpuSeconds: (utime + stime + cutime + cstime) / ticksPerSecond,
    peakRssMiB: Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024,
  };
}
