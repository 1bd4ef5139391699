import { readFile } from 'node:fs/promises';

/** What a process has used, together with the processes that it has started. */
export interface Usage {
  /** User and system time. */
  cpuSeconds: number;
  /** Sum of the peaks of the processes that still run. */
  peakRssMiB: number;
  /** Memory that is no file's, and so is shared with no other process, of those that run now. */
  anonymousMiB: number;
}

/** Linux counts process times in ticks of 10 ms on every architecture that Node runs on. */
const ticksPerSecond = 100;

const nothing: Usage = { cpuSeconds: 0, peakRssMiB: 0, anonymousMiB: 0 };

async function childrenOf(pid: number): Promise<number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8');
  return text.split(' ').filter(Boolean).map(Number);
}

/** The times of children that have ended are part of those of their parent. */
async function ownUsage(pid: number): Promise<Usage> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  const fields = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number);
  const [utime = 0, stime = 0, cutime = 0, cstime = 0] = fields.slice(11, 15);
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const mebibytes = (field: string) =>
    Number(new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0) / 1024;
  return {
    cpuSeconds: (utime + stime + cutime + cstime) / ticksPerSecond,
    peakRssMiB: mebibytes('VmHWM'),
    anonymousMiB: mebibytes('RssAnon'),
  };
}

/** A child may end while it is looked at; its times are its parent's then. */
async function usageOfChild(pid: number): Promise<Usage> {
  try {
    return await usageOf(pid);
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return nothing;
    throw error;
  }
}

/**
 * Reads CPU time and memory of a process and of all that it has started; zeros when it does not run.
 *
 * @see https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
 */
export async function usageOf(pid: number | undefined): Promise<Usage> {
  if (pid === undefined) return nothing;
  const children = await Promise.all((await childrenOf(pid)).map(usageOfChild));
  const own = await ownUsage(pid);
  return children.reduce(
    (sum, child) => ({
      cpuSeconds: sum.cpuSeconds + child.cpuSeconds,
      peakRssMiB: sum.peakRssMiB + child.peakRssMiB,
      anonymousMiB: sum.anonymousMiB + child.anonymousMiB,
    }),
    own,
  );
}
