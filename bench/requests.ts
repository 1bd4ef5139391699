import { setTimeout as delay } from 'node:timers/promises';
import { auditedRequests } from '@sluice/testing';
import { type Bench, benchAgent, isAsked } from './setup.ts';

/** Events are sent a little after the status. */
const settleMs = 3000;
/** Requests an application below which a row says nothing about applications. */
const leastShown = 0.1;

/** Whether `--requests` asks for tables of requests, for which the API server has to write an audit log. */
export const countsRequests = isAsked('requests');

/** Requests by who sent them and what they were for. */
type Counts = Map<string, Map<string, number>>;

/** All requests so far, besides those of the benchmark and of its baselines. */
async function requestsSoFar(bench: Bench): Promise<Counts> {
  const counts: Counts = new Map();
  for (const request of await auditedRequests(bench.controlPlane.dir)) {
    const { userAgent, impersonated, verb, resource } = request;
    const client = userAgent.split('/')[0] ?? '';
    if (client === benchAgent || client === 'kubectl' || client === 'Helm') continue;
    const who = impersonated === undefined ? client : `${client} as its tenant`;
    const what = `${verb} ${resource}`;
    const own = counts.get(who) ?? new Map<string, number>();
    counts.set(who, own.set(what, (own.get(what) ?? 0) + 1));
  }
  return counts;
}

function row(what: string, count: number, each: number): string {
  return `  ${what.padEnd(44)}${(count / each).toFixed(2).padStart(8)}${String(count).padStart(8)}`;
}

function printTable(title: string, o: { before: Counts; after: Counts; each: number }): void {
  console.log(`${title}: requests an application, and in all`);
  for (const [who, counts] of [...o.after].toSorted(([a], [b]) => a.localeCompare(b))) {
    const grown = [...counts]
      .map(([what, n]) => [what, n - (o.before.get(who)?.get(what) ?? 0)] as const)
      .filter(([, n]) => n > 0)
      .toSorted(([, a], [, b]) => b - a);
    const sum = grown.reduce((total, [, n]) => total + n, 0);
    if (sum / o.each < leastShown) continue;
    console.log(row(who, sum, o.each));
    for (const [what, n] of grown)
      if (n / o.each >= leastShown) console.log(row(`  ${what}`, n, o.each));
  }
}

/**
 * Counts what the API server is asked for from now on, as its audit log has it.
 *
 * @param each number of applications
 * @returns prints a table of what was asked for since the last call; does nothing without `--requests`
 */
export async function requestTables(
  bench: Bench,
  each: number,
): Promise<(title: string) => Promise<void>> {
  if (!countsRequests) return async () => {};
  let before = await requestsSoFar(bench);
  return async (title) => {
    await delay(settleMs);
    const after = await requestsSoFar(bench);
    printTable(title, { before, after, each });
    before = after;
  };
}
