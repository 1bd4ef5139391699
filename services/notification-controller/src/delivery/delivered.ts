import { type Bus, deliveredSubject, lastMessage } from '@sluice/shared/bus';
import type { Delivery } from './delivery.ts';

type DeliveredKey = Pick<Delivery, 'alert' | 'key'>;

/** Remembers what was delivered, and for how long a repetition of it is not. */
export interface DeliveredLog {
  wasDelivered(delivery: DeliveredKey, signal?: AbortSignal): Promise<boolean>;
  /** Takes effect here at once; resolves when others know, too. Never throws. */
  record(delivery: DeliveredKey): Promise<void>;
}

/** Entries kept in memory; the oldest go first. */
const maxEntries = 100_000;

/** Remembers in this process alone. */
export function memoryDeliveredLog(windowMs: number, now: () => number = Date.now): DeliveredLog {
  const deliveredAt = new Map<string, number>();
  const name = ({ alert, key }: DeliveredKey) => `${alert.namespace}/${alert.name}/${key}`;
  return {
    async wasDelivered(delivery) {
      const at = deliveredAt.get(name(delivery));
      return at !== undefined && now() - at < windowMs;
    },
    async record(delivery) {
      deliveredAt.delete(name(delivery));
      deliveredAt.set(name(delivery), now());
      for (const [oldest, at] of deliveredAt) {
        if (deliveredAt.size <= maxEntries && now() - at < windowMs) break;
        deliveredAt.delete(oldest);
      }
    },
  };
}

/** Remembers on the bus, so that restarts and other replicas know, and in memory, in case the bus is away. */
export function busDeliveredLog(
  bus: Bus,
  windowMs: number,
  now: () => number = Date.now,
): DeliveredLog {
  const memory = memoryDeliveredLog(windowMs, now);
  const subject = ({ alert, key }: DeliveredKey) => deliveredSubject(bus.prefix, alert, key);
  return {
    async wasDelivered(delivery, signal) {
      if (windowMs <= 0) return false;
      if (await memory.wasDelivered(delivery)) return true;
      const last = await lastMessage(bus, 'delivered', subject(delivery), signal).catch(
        async (error: unknown) => {
          // Somebody may have deleted the stream.
          await bus.repair();
          throw error;
        },
      );
      return last !== undefined && now() - last.storedAt < windowMs;
    },
    async record(delivery) {
      await memory.record(delivery);
      if (windowMs <= 0) return;
      const id = `${subject(delivery)}@${now()}`;
      await bus.publish({ subject: subject(delivery), data: {}, id }).catch((error: unknown) => {
        bus.logger.warn({ error }, 'A delivery is remembered in memory only');
      });
    },
  };
}
