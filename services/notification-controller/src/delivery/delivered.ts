import { errorMessage } from '@sluice/shared/base';
import {
  type Bus,
  deliveredSubject,
  deliveredSubjects,
  type Following,
  follow,
  lastMessage,
} from '@sluice/shared/bus';
import { RecentKeys } from '../memory/recent-keys.ts';
import type { Delivery } from './delivery.ts';

type DeliveredKey = Pick<Delivery, 'alert' | 'key'>;

/** Remembers what was delivered, and for how long a repetition of it is not. */
export interface DeliveredLog {
  wasDelivered(delivery: DeliveredKey, signal?: AbortSignal): Promise<boolean>;
  /** Takes effect here at once; resolves when others know, too. Never throws. */
  record(delivery: DeliveredKey): Promise<void>;
  close(): Promise<void>;
}

/** Remembers in this process alone. */
export function memoryDeliveredLog(windowMs: number, now: () => number = Date.now): DeliveredLog {
  const recent = new RecentKeys(windowMs, now);
  const name = ({ alert, key }: DeliveredKey) => `${alert.namespace}/${alert.name}/${key}`;
  return {
    wasDelivered: async (delivery) => recent.has(name(delivery)),
    record: async (delivery) => recent.add(name(delivery), now()),
    close: async () => undefined,
  };
}

/** Remembers on the bus, so that restarts and other replicas know. */
export function busDeliveredLog(
  bus: Bus,
  windowMs: number,
  now: () => number = Date.now,
): DeliveredLog {
  return windowMs > 0 ? new BusDeliveredLog(bus, windowMs, now) : memoryDeliveredLog(0);
}

/** Keeps a copy of what is on the bus, so that no delivery waits for an answer of the server. */
class BusDeliveredLog implements DeliveredLog {
  readonly #bus: Bus;
  readonly #windowMs: number;
  readonly #now: () => number;
  readonly #recent: RecentKeys;
  readonly #following: Following;
  readonly #stopListening: () => void;
  /** What the bus did not take, by subject, with its time. */
  readonly #unsaid = new Map<string, number>();

  constructor(bus: Bus, windowMs: number, now: () => number) {
    this.#bus = bus;
    this.#windowMs = windowMs;
    this.#now = now;
    this.#recent = new RecentKeys(windowMs, now);
    this.#following = follow(bus, {
      stream: 'delivered',
      filterSubject: deliveredSubjects(bus.prefix),
      pastMs: windowMs,
      onReset: () => this.#recent.holdsAllSince(now() - windowMs),
      onMessage: ({ subject, storedAt }) => this.#recent.add(subject, storedAt),
    });
    this.#stopListening = bus.onReady(() => void this.#sayAll());
  }

  async wasDelivered(delivery: DeliveredKey, signal?: AbortSignal): Promise<boolean> {
    const subject = this.#subjectOf(delivery);
    if (this.#recent.has(subject)) return true;
    const since = this.#now() - this.#windowMs;
    if (this.#following.isCurrent() && this.#recent.isCompleteSince(since)) return false;
    const last = await lastMessage(this.#bus, 'delivered', subject, signal).catch(
      async (error: unknown) => {
        // Somebody may have deleted the stream.
        await this.#bus.repair();
        throw error;
      },
    );
    return last !== undefined && last.storedAt > since;
  }

  async record(delivery: DeliveredKey): Promise<void> {
    const subject = this.#subjectOf(delivery);
    const at = this.#now();
    this.#recent.add(subject, at);
    await this.#say(subject, at);
  }

  async close(): Promise<void> {
    this.#stopListening();
    await this.#following.close();
  }

  async #say(subject: string, at: number): Promise<void> {
    try {
      await this.#bus.publish({ subject, data: {}, id: `${subject}@${at}` });
      this.#unsaid.delete(subject);
    } catch (error) {
      this.#unsaid.set(subject, at);
      const problem = { error: errorMessage(error) };
      this.#bus.logger.warn(problem, 'A delivery is remembered in memory only for now');
    }
  }

  /** Once the bus is back, so that it is known to the next process as well. */
  async #sayAll(): Promise<void> {
    for (const [subject, at] of [...this.#unsaid]) {
      if (this.#now() - at < this.#windowMs) await this.#say(subject, at);
      else this.#unsaid.delete(subject);
    }
  }

  #subjectOf({ alert, key }: DeliveredKey): string {
    return deliveredSubject(this.#bus.prefix, alert, key);
  }
}
