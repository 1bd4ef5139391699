import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { backoff, errorMessage, type Logger, SingleFlight, systemClock } from '@sluice/shared/base';
import type { Bus, BusConnection, BusMessage, BusOptions, BusStatus, Stored } from './bus.ts';
import { BusUnavailableError, OvertakenError, UnpublishableError } from './bus-errors.ts';
import { connectionOptions } from './connection-options.ts';
import { ensureStreams } from './ensure-streams.ts';
import { encodeMessage } from './message.ts';
import { isFinalRefusal, isOvertaken } from './refusal.ts';
import { StoredPublisher } from './stored-publisher.ts';
import type { StreamId } from './streams.ts';

const acknowledgeTimeoutMs = 5_000;
/** By it a stream recognises a message that it has. */
const idHeader = 'Nats-Msg-Id';
/** With it a stream takes a message only as the successor of another one. */
const afterHeader = 'Nats-Expected-Last-Subject-Sequence';
const retry = { minMs: 250, maxMs: 10_000 };

/**
 * Connects to NATS in the background, for ever, and makes sure that the streams of its own are there.
 *
 * @throws RangeError when the address cannot be used
 */
export function connectBus(options: BusOptions): Bus {
  return new NatsBus(options);
}

class NatsBus implements Bus {
  readonly prefix: string;
  readonly name: string;
  readonly logger: Logger;
  readonly #owns: readonly StreamId[];
  readonly #replicas: number;
  readonly #maxBytes: BusOptions['maxBytes'];
  readonly #inboxPrefix: string;
  readonly #closing = new AbortController();
  readonly #running: Promise<void>;
  readonly #ensuring = new SingleFlight<void>();
  readonly #listeners = new Set<() => void>();
  #connection?: BusConnection;
  #publisher?: StoredPublisher;
  #turn?: Promise<void>;
  #connected = false;
  #lastError?: string;

  constructor(options: BusOptions) {
    this.prefix = options.prefix || 'sluice';
    this.name = options.name;
    this.logger = options.logger;
    this.#owns = options.owns;
    this.#replicas = options.replicas ?? 1;
    this.#maxBytes = options.maxBytes;
    const natsOptions = connectionOptions(options);
    this.#inboxPrefix = natsOptions.inboxPrefix;
    this.#running = this.#run(() => connect(natsOptions));
  }

  status(): BusStatus {
    return {
      connected: this.#connected,
      ready: this.#connection !== undefined,
      lastError: this.#lastError,
    };
  }

  turn(): Promise<void> {
    this.#turn ??= new Promise((resolve) => {
      setImmediate(() => {
        this.#turn = undefined;
        resolve();
      });
    });
    return this.#turn;
  }

  async publish(message: BusMessage): Promise<Stored> {
    const { subject, timeoutMs = acknowledgeTimeoutMs } = message;
    const { body, headers } = this.#encode(message);
    this.#usable();
    await this.turn();
    const publisher = this.#usable();
    try {
      return await publisher.publish({ subject, body, headers, timeoutMs });
    } catch (cause) {
      if (isFinalRefusal(cause)) {
        throw refusal(message, body, cause);
      }
      if (isOvertaken(cause)) {
        throw new OvertakenError(`there is a newer message on ${message.subject}`, { cause });
      }
      // No answer may mean that somebody deleted the stream.
      void this.repair();
      throw new BusUnavailableError(
        `NATS did not acknowledge the message on ${message.subject}: ${errorMessage(cause)}`,
        { cause },
      );
    }
  }

  send(message: BusMessage): boolean {
    const { body, headers } = this.#encode(message);
    const nats = this.#connection?.nats;
    if (nats === undefined || nats.isClosed()) return false;
    try {
      nats.publish(message.subject, body, { headers });
      return true;
    } catch (cause) {
      if (!isFinalRefusal(cause)) return false;
      throw refusal(message, body, cause);
    }
  }

  #encode({ data, headers, id, after }: BusMessage): ReturnType<typeof encodeMessage> {
    try {
      const encoded = encodeMessage(data, headers);
      encoded.headers.set(idHeader, id);
      if (after !== undefined) encoded.headers.set(afterHeader, String(after));
      return encoded;
    } catch (cause) {
      throw new UnpublishableError(`the message cannot be encoded: ${errorMessage(cause)}`, {
        cause,
      });
    }
  }

  #usable(): StoredPublisher {
    if (this.#connection === undefined || this.#publisher === undefined) {
      throw new BusUnavailableError(
        `NATS is not ready: ${this.#lastError ?? 'not connected yet'}; check --nats-url and the server`,
      );
    }
    return this.#publisher;
  }

  async ready(signal?: AbortSignal): Promise<BusConnection> {
    if (this.#connection !== undefined) return this.#connection;
    const stop = AbortSignal.any([this.#closing.signal, ...(signal ? [signal] : [])]);
    while (this.#connection === undefined) {
      stop.throwIfAborted();
      await new Promise<void>((resolve) => {
        const end = () => {
          this.#listeners.delete(end);
          stop.removeEventListener('abort', end);
          resolve();
        };
        this.#listeners.add(end);
        stop.addEventListener('abort', end, { once: true });
      });
    }
    return this.#connection;
  }

  onReady(listener: () => void): () => void {
    this.#listeners.add(listener);
    if (this.#connection !== undefined) listener();
    return () => this.#listeners.delete(listener);
  }

  async repair(): Promise<void> {
    const connection = this.#connection;
    if (connection === undefined || this.#owns.length === 0) return;
    await this.#ensure(connection).catch((error: unknown) => {
      this.#lastError = errorMessage(error);
      this.logger.warn({ error }, 'the streams could not be checked');
    });
  }

  async close(): Promise<void> {
    this.#closing.abort(new BusUnavailableError('the bus is closed'));
    await this.#running;
  }

  async #run(open: () => Promise<NatsConnection>): Promise<void> {
    const stop = this.#closing.signal;
    for (let attempt = 0; !stop.aborted; attempt++) {
      try {
        const nats = await open();
        attempt = 0;
        await this.#use(nats, stop);
      } catch (error) {
        this.#report(error, 'NATS cannot be reached');
      }
      await systemClock.sleep(backoff({ attempt, ...retry }), stop).catch(() => undefined);
    }
  }

  /** Serves one connection, through its reconnects, until it is closed. */
  async #use(nats: NatsConnection, stop: AbortSignal): Promise<void> {
    // Of a connection that is closed, the status would be waited for in vain.
    if (stop.aborted) return nats.close();
    const close = () => void nats.close();
    stop.addEventListener('abort', close, { once: true });
    const publisher = new StoredPublisher(nats, this.#inboxPrefix);
    this.#publisher = publisher;
    try {
      this.#up(nats);
      for await (const status of nats.status()) {
        if (status.type === 'disconnect') this.#down();
        if (status.type === 'reconnect') this.#up(nats);
        if (status.type === 'error') {
          publisher.refuse(status.error);
          this.#report(status.error, 'NATS reported an error');
        }
      }
      const error = await nats.closed();
      if (error) this.#report(error, 'the connection to NATS was closed');
    } finally {
      stop.removeEventListener('abort', close);
      this.#down();
    }
  }

  #up(nats: NatsConnection): void {
    this.#connected = true;
    this.logger.info({ server: nats.getServer() }, 'connected to NATS');
    void this.#prepare(nats);
  }

  #down(): void {
    if (this.#connected && !this.#closing.signal.aborted)
      this.logger.warn('the connection to NATS is lost, reconnecting');
    this.#connected = false;
    this.#connection = undefined;
    this.#publisher?.abandon(new BusUnavailableError('the connection was lost'));
  }

  /** Ensures the streams, again and again while connected, then declares the bus ready. */
  async #prepare(nats: NatsConnection): Promise<void> {
    for (let attempt = 0; this.#connected && this.#connection === undefined; attempt++) {
      try {
        const manager = await jetstreamManager(nats, { checkAPI: false });
        const connection = { nats, manager, jetstream: jetstream(nats) };
        await this.#ensure(connection);
        if (!this.#connected) return;
        this.#connection = connection;
        this.#lastError = undefined;
        for (const listener of [...this.#listeners]) listener();
      } catch (error) {
        this.#report(error, 'the streams are not ready');
        await systemClock
          .sleep(backoff({ attempt, ...retry }), this.#closing.signal)
          .catch(() => undefined);
      }
    }
  }

  #ensure(connection: BusConnection): Promise<void> {
    return this.#ensuring.run('streams', () =>
      ensureStreams(connection.manager, {
        prefix: this.prefix,
        owns: this.#owns,
        replicas: this.#replicas,
        maxBytes: this.#maxBytes,
        logger: this.logger,
      }),
    );
  }

  #report(error: unknown, message: string): void {
    const text = errorMessage(error);
    // The same trouble once, not at each attempt.
    if (text !== this.#lastError) this.logger.warn({ error }, message);
    this.#lastError = text;
  }
}

function refusal({ subject }: BusMessage, body: Uint8Array, cause: unknown): UnpublishableError {
  const text = `NATS refuses the message on ${subject} (${body.length} bytes): ${errorMessage(cause)}`;
  return new UnpublishableError(text, { cause });
}
