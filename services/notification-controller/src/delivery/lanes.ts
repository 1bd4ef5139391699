import { sha256Hex, systemClock } from '@sluice/shared/base';
import {
  type Bus,
  type ConsumedMessage,
  type Consumer,
  consume,
  deliverySubject,
  streamUse,
  type Verdict,
} from '@sluice/shared/bus';
import type { Delivery } from './delivery.ts';
import { isCrowded, makeRoom } from './make-room.ts';

export interface LanesOptions {
  bus: Bus;
  /** Milliseconds after which what a killed process held is handed out again. */
  ackWaitMs: number;
  onDeadLetter: () => void;
  handler: (message: ConsumedMessage<Delivery>, signal: AbortSignal) => Promise<Verdict>;
  /** Gives up a delivery for which there is no room. */
  crowdOut: (delivery: Delivery) => Promise<void>;
}

/** In place of a namespace, which cannot be called so: groups that wait for their time take no place of a Provider's. */
export const timerLanes = '_groups';

/** The consumer that all Providers shared in an earlier version. */
const shared = 'notification-controller';
/** Deliveries of one Provider that a process holds. */
const maxInFlight = 32;
/** Deliveries of one Provider that wait for their next attempt; the others keep their place in the stream. */
const maxUnanswered = 1_000;
const forgetAfterMs = 60 * 60_000;
const lookEveryMs = 10_000;
/** A lane without messages for so many looks ends. */
const idleLooks = 30;

interface Lane {
  consumer: Consumer;
  messages: number;
  idleLooks: number;
}

/**
 * A consumer for each Provider that has deliveries, so that none waits behind another's. A lane opens with the first
 * delivery that this process stores, or when it sees that some wait, and ends when there have been none for a while.
 */
export class Lanes {
  readonly #options: LanesOptions;
  readonly #lanes = new Map<string, Lane>();
  readonly #closing = new AbortController();
  readonly #looking: Promise<void>;
  readonly #stopListening: () => void;
  #room?: Promise<void>;

  constructor(options: LanesOptions) {
    this.#options = options;
    this.#stopListening = options.bus.onReady(() => void this.#look());
    this.#looking = this.#run();
  }

  /** Sees to the deliveries of a Provider, of which there is one now. */
  open(namespace: string, provider: string): void {
    this.#open(deliverySubject(this.#options.bus.prefix, namespace, provider));
  }

  /** Sees to it that there is room for deliveries, at the cost of whoever has the most. */
  makeRoom(): void {
    this.#room ??= this.#makeRoom().finally(() => {
      this.#room = undefined;
    });
  }

  async close(): Promise<void> {
    this.#closing.abort(new Error('the lanes are closed'));
    this.#stopListening();
    await Promise.all([this.#looking, this.#room]);
    await Promise.all([...this.#lanes.values()].map(({ consumer }) => consumer.close()));
  }

  #open(subject: string): void {
    if (this.#lanes.has(subject) || this.#closing.signal.aborted) return;
    const { bus, ackWaitMs, onDeadLetter, handler } = this.#options;
    const consumer = consume<Delivery>(bus, {
      stream: 'deliveries',
      durable: `provider-${sha256Hex(subject).slice(0, 32)}`,
      filterSubject: subject,
      replaces: shared,
      forgetAfterMs,
      maxInFlight,
      maxUnanswered,
      ackWaitMs,
      onDeadLetter,
      handler: (message, signal) => {
        lane.messages++;
        return handler(message, signal);
      },
    });
    const lane: Lane = { consumer, messages: 0, idleLooks: 0 };
    this.#lanes.set(subject, lane);
  }

  async #run(): Promise<void> {
    const stop = this.#closing.signal;
    while (!stop.aborted) {
      await systemClock.sleep(lookEveryMs, stop).catch(() => undefined);
      if (!stop.aborted) await this.#look();
    }
  }

  /** Other replicas, and earlier runs of this one, have stored deliveries as well. */
  async #look(): Promise<void> {
    const { bus } = this.#options;
    if (!bus.status().ready) return;
    try {
      const use = await streamUse(bus, 'deliveries', this.#closing.signal);
      if (isCrowded(use)) this.makeRoom();
      const waiting = new Set(use.subjects.keys());
      for (const subject of waiting) this.#open(subject);
      for (const [subject, lane] of this.#lanes) this.#rest(subject, lane, waiting);
    } catch (error) {
      if (!this.#closing.signal.aborted) {
        bus.logger.debug({ error }, 'Waiting deliveries could not be listed');
      }
    }
  }

  async #makeRoom(): Promise<void> {
    const { bus, crowdOut } = this.#options;
    try {
      await makeRoom({ bus, crowdOut, timerLanes, signal: this.#closing.signal });
    } catch (error) {
      if (this.#closing.signal.aborted) return;
      bus.logger.warn({ error }, 'There is no room for deliveries, and none can be made now');
    }
  }

  #rest(subject: string, lane: Lane, waiting: ReadonlySet<string>): void {
    const isUsed = lane.messages > 0 || lane.consumer.inFlight() > 0 || waiting.has(subject);
    lane.idleLooks = isUsed ? 0 : lane.idleLooks + 1;
    lane.messages = 0;
    if (lane.idleLooks < idleLooks) return;
    this.#lanes.delete(subject);
    void lane.consumer.close();
  }
}
