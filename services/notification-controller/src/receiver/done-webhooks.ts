import { errorMessage } from '@sluice/shared/base';
import { type Bus, doneWebhookSubject, lastMessage } from '@sluice/shared/bus';

/** Webhooks that were done by whichever replica. Neither call throws: what is not known is done again. */
export interface DoneWebhooks {
  /** Milliseconds since the epoch at which a webhook was done; undefined when that is not known. */
  doneAt(id: string): Promise<number | undefined>;
  note(id: string): Promise<void>;
}

/** Digits of an identifier by which it has its place; one that comes to the same place is forgotten for the new one. */
const placeDigits = 4;
const timeoutMs = 2_000;
/** Milliseconds for which the first webhooks of a process wait for the bus, since they may be repetitions. */
const startMs = 5_000;

/** Keeps identifiers, which are hex digests, on the bus: 65,536 at most. */
export function busDoneWebhooks(bus: Bus): DoneWebhooks {
  const subjectOf = (id: string) => doneWebhookSubject(bus.prefix, id.slice(0, placeDigits));
  const started = bus.ready(AbortSignal.timeout(startMs)).catch(() => undefined);
  const unlessAway = async <T>(fn: () => Promise<T>): Promise<T | undefined> => {
    await started;
    if (!bus.status().ready) return undefined;
    return fn().catch((error: unknown) => {
      const problem = { error: errorMessage(error) };
      bus.logger.debug(problem, 'Replicas do not know of the webhooks of each other now');
      return undefined;
    });
  };
  return {
    doneAt: (id) =>
      unlessAway(async () => {
        const last = await lastMessage(bus, 'delivered', subjectOf(id));
        return (last?.data as { id?: string } | undefined)?.id === id ? last?.storedAt : undefined;
      }),
    note: async (id) => {
      const message = { subject: subjectOf(id), data: { id }, id: crypto.randomUUID(), timeoutMs };
      await unlessAway(() => bus.publish(message));
    },
  };
}
