import type { Delivery } from '../delivery/delivery.ts';
import { objectKey } from '../incident/incident.ts';
import type { AlertMemory } from '../memory/memory.ts';

/** A failure that counts, and when it was taken in, in milliseconds since the epoch. */
interface Counted {
  id: string;
  at: number;
}

/**
 * Counts a failure of an object and reason for an alert; the same one again counts once.
 *
 * @returns whether there were enough of them in the time before it
 * @throws Error when it cannot be stored now
 */
export async function reachesThreshold(
  { alert, event, id, at = Date.now() }: Delivery,
  { count, withinMs }: { count: number; withinMs: number },
  memory: AlertMemory,
): Promise<boolean> {
  const key = `${objectKey(event.involvedObject)}/${event.reason}`;
  const counted = await memory.change<Counted[]>(
    { alert, what: 'threshold', key },
    (before = []) => {
      if (before.some((each) => each.id === id)) return undefined;
      const recent = before.filter((each) => each.at > at - withinMs);
      return [...recent, { id, at }].slice(-count);
    },
  );
  return (counted ?? []).filter((each) => each.at > at - withinMs).length >= count;
}
