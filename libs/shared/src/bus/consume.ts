import {
  AckPolicy,
  type ConsumerMessages,
  DeliverPolicy,
  JetStreamApiError,
  type JsMsg,
  type Consumer as NatsConsumer,
  ReplayPolicy,
} from '@nats-io/jetstream';
import { nanos } from '@nats-io/transport-node';
import { backoff, errorMessage, systemClock } from '@sluice/shared/base';
import type { Bus, BusConnection } from './bus.ts';
import { publishDeadLetter } from './dead-letter.ts';
import { decodeMessage, plainHeaders, traceOf, UnreadableMessageError } from './message.ts';
import { type StreamId, streamName } from './streams.ts';
import { inTrace } from './trace.ts';

export interface ConsumedMessage<T> {
  data: T;
  subject: string;
  /** The id it was published under. */
  id: string;
  /** Names in lower case. */
  headers: Record<string, string>;
  /** How often it was handed out before. */
  redelivered: number;
  /** Milliseconds since the epoch at which the stream stored it. */
  storedAt: number;
  /** Tells the server that the work goes on, so that the message is not handed out again. */
  inProgress(): void;
}

/** What becomes of a message: done, again after a delay, or given up. */
export type Verdict = 'ack' | { nakAfterMs: number } | 'term';

export interface ConsumeOptions<T> {
  stream: StreamId;
  /** Name of the consumer on the server; processes that use the same one share its messages. */
  durable: string;
  filterSubject?: string;
  /** Milliseconds after which the server forgets a consumer that nobody asks for messages; never when unset. */
  forgetAfterMs?: number;
  /** Messages that may wait for a delay or an answer, over all processes of the consumer; 50,000 when unset. */
  maxUnanswered?: number;
  /** A consumer of an earlier version that has these messages as well, and is removed when the server minds. */
  replaces?: string;
  /** Messages handled at a time by this process. */
  maxInFlight: number;
  /** Milliseconds after which a message that was handed out and not answered is handed out again. */
  ackWaitMs: number;
  /** Times a message is handed out before it goes to the dead letters; no limit when unset. */
  maxAttempts?: number;
  /** Hears that a message went to the dead letters. */
  onDeadLetter?: () => void;
  /** Hears of a message that cannot be read, which is then left alone; without it, it goes to the dead letters. */
  onUnreadable?: (message: { subject: string; sequence: number; error: string }) => void;
  /** Decides on a message. When it rejects, the message comes again with growing delays. */
  handler: (message: ConsumedMessage<T>, signal: AbortSignal) => Promise<Verdict>;
}

/** A running consumer. */
export interface Consumer {
  /** Messages being handled now. */
  inFlight(): number;
  /** Takes no more messages and waits for those being handled. */
  close(): Promise<void>;
}

/** A consumer of that name has other settings. */
const consumerExists = 10148;
/** Another consumer of a work queue has these messages. */
const consumerOverlaps = 10100;
const consumerNotFound = 10014;
const fetchMs = 30_000;
const flushMs = 2_000;
const failureDelay = { minMs: 1_000, maxMs: 60_000 };
const restartDelay = { minMs: 100, maxMs: 5_000 };
const defaultMaxUnanswered = 50_000;

/**
 * Handles the messages of a stream, for ever: the consumer is created again when it, its stream or the server is
 * lost. A message leaves the stream only once the handler has answered for it.
 */
export function consume<T>(bus: Bus, options: ConsumeOptions<T>): Consumer {
  return new PullConsumer(bus, options);
}

function isApiError(error: unknown, code: number): boolean {
  return error instanceof JetStreamApiError && error.code === code;
}

class PullConsumer<T> implements Consumer {
  readonly #bus: Bus;
  readonly #options: ConsumeOptions<T>;
  readonly #closing = new AbortController();
  readonly #handling = new Set<Promise<void>>();
  readonly #running: Promise<void>;
  #freed: () => void = () => undefined;

  constructor(bus: Bus, options: ConsumeOptions<T>) {
    this.#bus = bus;
    this.#options = options;
    this.#running = this.#run();
  }

  inFlight(): number {
    return this.#handling.size;
  }

  async close(): Promise<void> {
    this.#closing.abort(new Error('the consumer is closed'));
    this.#freed();
    await this.#running;
    await Promise.allSettled(this.#handling);
    if (!this.#bus.status().ready) return;
    const { nats } = await this.#bus.ready();
    // The answers are on their way when this process may end.
    const flushed = nats.flush().catch(() => undefined);
    await Promise.race([flushed, systemClock.sleep(flushMs)]);
  }

  async #run(): Promise<void> {
    const stop = this.#closing.signal;
    for (let attempt = 0; !stop.aborted; attempt++) {
      try {
        const connection = await this.#bus.ready(stop);
        const consumer = await this.#ensure(connection);
        attempt = 0;
        await this.#pull(consumer, connection);
      } catch (error) {
        if (stop.aborted) return;
        this.#bus.logger[attempt < 2 ? 'debug' : 'warn'](
          { error, durable: this.#options.durable },
          'the consumer is interrupted, starting it again',
        );
        await this.#bus.repair();
      }
      const delay = backoff({ attempt, ...restartDelay });
      await systemClock.sleep(delay, stop).catch(() => undefined);
    }
  }

  async #ensure({ manager, jetstream }: BusConnection): Promise<NatsConsumer> {
    const o = this.#options;
    const stream = streamName(this.#bus.prefix, o.stream);
    const config = {
      durable_name: o.durable,
      ack_policy: AckPolicy.Explicit,
      ack_wait: nanos(o.ackWaitMs),
      deliver_policy: DeliverPolicy.All,
      replay_policy: ReplayPolicy.Instant,
      max_deliver: -1,
      max_ack_pending: o.maxUnanswered ?? defaultMaxUnanswered,
      ...(o.forgetAfterMs !== undefined && { inactive_threshold: nanos(o.forgetAfterMs) }),
      ...(o.filterSubject && { filter_subject: o.filterSubject }),
    };
    await manager.consumers.add(stream, config).catch(async (error: unknown) => {
      if (isApiError(error, consumerOverlaps) && o.replaces !== undefined) {
        await manager.consumers.delete(stream, o.replaces).catch((problem: unknown) => {
          if (!isApiError(problem, consumerNotFound)) throw problem;
        });
        await manager.consumers.add(stream, config);
        return;
      }
      if (!isApiError(error, consumerExists)) throw error;
      // An earlier version made it with other settings; what it has acknowledged stays so.
      await manager.consumers.update(stream, o.durable, config);
    });
    return jetstream.consumers.get(stream, o.durable);
  }

  /** Asks for as many messages as may be handled now; ends or throws when the connection is lost. */
  async #pull(consumer: NatsConsumer, connection: BusConnection): Promise<void> {
    const stop = this.#closing.signal;
    while (!stop.aborted && (await this.#bus.ready(stop)) === connection) {
      const free = this.#options.maxInFlight - this.#handling.size;
      // A request for each message would cost more than the messages.
      if (free < Math.ceil(this.#options.maxInFlight / 2)) {
        await new Promise<void>((resolve) => {
          this.#freed = resolve;
        });
        continue;
      }
      const batch = await consumer.fetch({ max_messages: free, expires: fetchMs });
      await this.#take(batch);
    }
  }

  async #take(batch: ConsumerMessages): Promise<void> {
    const stop = this.#closing.signal;
    const end = () => void batch.close();
    // A request does not outlive the connection it was made on.
    const stopListening = this.#onLost(end);
    stop.addEventListener('abort', end, { once: true });
    if (stop.aborted) end();
    try {
      for await (const message of batch) {
        const handling: Promise<void> = this.#handle(message).finally(() => {
          this.#handling.delete(handling);
          this.#freed();
        });
        this.#handling.add(handling);
      }
    } finally {
      stopListening();
      stop.removeEventListener('abort', end);
    }
  }

  #onLost(listener: () => void): () => void {
    let first = true;
    return this.#bus.onReady(() => {
      if (!first) listener();
      first = false;
    });
  }

  async #handle(message: JsMsg): Promise<void> {
    const verdict = await this.#verdict(message);
    await this.#bus.turn();
    try {
      // Unconfirmed: what the server does not hear of it hands out again, and handlers know what they have done.
      if (verdict === 'ack') message.ack();
      else if (verdict === 'term') message.term();
      else message.nak(Math.max(1, Math.round(verdict.nakAfterMs)));
    } catch (error) {
      // Unanswered, it comes again after the ack wait.
      this.#bus.logger.warn(
        { error, durable: this.#options.durable },
        'a message is not acknowledged',
      );
    }
  }

  async #verdict(message: JsMsg): Promise<Verdict> {
    const { maxAttempts, handler, durable } = this.#options;
    const headers = plainHeaders(message);
    const attempt = message.info.deliveryCount;
    try {
      if (maxAttempts !== undefined && attempt > maxAttempts) {
        return await this.#giveUp(message, `it was not handled in ${maxAttempts} attempts`);
      }
      const data = decodeMessage(message) as T;
      return await inTrace(traceOf(headers), () =>
        handler(
          {
            data,
            subject: message.subject,
            id: headers['nats-msg-id'] ?? '',
            headers,
            redelivered: attempt - 1,
            storedAt: message.time.getTime(),
            inProgress: () => message.working(),
          },
          this.#closing.signal,
        ),
      );
    } catch (error) {
      if (error instanceof UnreadableMessageError) return this.#unreadable(message, error.message);
      this.#bus.logger.error({ error, durable, attempt }, 'a message could not be handled');
      return { nakAfterMs: backoff({ attempt: attempt - 1, ...failureDelay }) };
    }
  }

  async #unreadable(message: JsMsg, error: string): Promise<Verdict> {
    const { onUnreadable } = this.#options;
    if (onUnreadable === undefined) return this.#giveUp(message, error);
    onUnreadable({ subject: message.subject, sequence: message.seq, error });
    return 'term';
  }

  async #giveUp(message: JsMsg, why: string): Promise<Verdict> {
    const { subject, seq } = message;
    this.#bus.logger.error(
      { subject, sequence: seq, error: why },
      'a message goes to the dead letters',
    );
    try {
      await publishDeadLetter(this.#bus, {
        namespace: '_unreadable',
        provider: this.#options.stream,
        id: `${message.info.stream}:${seq}`,
        letter: { subject, error: why, raw: Buffer.from(message.data).toString('base64') },
      });
      this.#options.onDeadLetter?.();
      return 'term';
    } catch (error) {
      this.#bus.logger.warn({ error: errorMessage(error) }, 'a dead letter could not be stored');
      return { nakAfterMs: failureDelay.maxMs };
    }
  }
}
