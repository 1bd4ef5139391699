import { randomUUID } from 'node:crypto';
import { link, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';

export interface LockOptions {
  /** How often a waiting process looks again, in milliseconds. */
  pollMs?: number;
  /** A lock not refreshed for this long belongs to nobody, in milliseconds. */
  staleMs?: number;
  /** Called once, when another process holds the lock. */
  onWait?: (holder: string) => void;
}

interface Holder {
  pid: number;
  host: string;
  token: string;
}

/**
 * Runs `work` while holding an exclusive lock file; other processes wait their turn.
 *
 * A lock is stale when its holder's process is gone (same host) or has not refreshed it for `staleMs`.
 * Two processes can in rare cases take over the same stale lock: what the lock protects must stay
 * correct then (it only saves work).
 *
 * @param path the lock file; its folder must exist
 * @param work what to do under the lock
 * @returns what `work` returns
 */
export async function withLock<T>(
  path: string,
  work: () => Promise<T>,
  options: LockOptions = {},
): Promise<T> {
  const { pollMs = 200, staleMs = 60_000, onWait } = options;
  const mine: Holder = { pid: process.pid, host: hostname(), token: randomUUID() };
  let announced = false;
  while (!(await tryAcquire(path, mine))) {
    if (await removeIfStale(path, staleMs)) continue;
    if (!announced) onWait?.(await readFile(path, 'utf8').catch(() => 'another process'));
    announced = true;
    await delay(pollMs);
  }
  const refresh = setInterval(() => {
    const now = new Date();
    // A failure means that the lock was taken over; the work stays correct (see above).
    utimes(path, now, now).catch(() => {});
  }, staleMs / 6);
  refresh.unref();
  try {
    return await work();
  } finally {
    clearInterval(refresh);
    await release(path, mine);
  }
}

/** Creates the file with its content in one step, so that nobody ever reads half a lock. */
async function tryAcquire(path: string, mine: Holder): Promise<boolean> {
  const draft = `${path}.${mine.token}`;
  await writeFile(draft, JSON.stringify(mine));
  try {
    await link(draft, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(draft, { force: true });
  }
}

async function removeIfStale(path: string, staleMs: number): Promise<boolean> {
  let text: string;
  let ageMs: number;
  try {
    text = await readFile(path, 'utf8');
    ageMs = Date.now() - (await stat(path)).mtimeMs;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return true;
    throw error;
  }
  if (ageMs < staleMs && !holderIsGone(text)) return false;
  const aside = `${path}.stale-${randomUUID()}`;
  await rename(path, aside).catch(ignoreMissing);
  await rm(aside, { force: true });
  return true;
}

function holderIsGone(text: string): boolean {
  const holder = parseHolder(text);
  if (holder === undefined || holder.host !== hostname()) return false;
  try {
    process.kill(holder.pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}

function parseHolder(text: string): Holder | undefined {
  try {
    return JSON.parse(text) as Holder;
  } catch {
    // Not written by us: only its age can tell whether it is stale.
    return undefined;
  }
}

async function release(path: string, mine: Holder): Promise<void> {
  const text = await readFile(path, 'utf8').catch(() => '');
  if (parseHolder(text)?.token === mine.token) await rm(path, { force: true });
}

function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error;
}
