import type { JetStreamClient, JetStreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import type { Logger } from '@sluice/shared/base';
import type { BusAddress } from './connection-options.ts';
import type { StreamId } from './streams.ts';

export interface BusOptions extends BusAddress {
  /** First token of all subjects; `sluice` when unset. */
  prefix?: string;
  /** The streams that this process makes and keeps as they should be; it leaves the others alone. */
  owns: readonly StreamId[];
  /** Replicas of its streams; 1 when unset. Streams that have more keep them. */
  replicas?: number;
  /** Bytes of its streams, of those that have others than usual. */
  maxBytes?: Partial<Record<StreamId, number>>;
  logger: Logger;
}

export interface BusMessage {
  subject: string;
  data: unknown;
  /** A stream stores a message of the same id only once within its duplicate window. */
  id: string;
  headers?: Record<string, string>;
  /** Store it only while this is the sequence of the last message of its subject; 0: while there is none. */
  after?: number;
  /** Milliseconds to wait for the acknowledgement; 5000 when unset. */
  timeoutMs?: number;
}

/** What is stored where. */
export interface Stored {
  stream: string;
  sequence: number;
  /** The stream already held a message of this id. */
  duplicate: boolean;
}

/** A usable connection; replaced after each loss of the server. */
export interface BusConnection {
  nats: NatsConnection;
  jetstream: JetStreamClient;
  manager: JetStreamManager;
}

export interface BusStatus {
  connected: boolean;
  /** Connected, and the streams of its own are there. */
  ready: boolean;
  /** Why the bus is not ready, when known. */
  lastError?: string;
}

/** The connection to NATS. It connects, and reconnects, in the background for ever. */
export interface Bus {
  readonly prefix: string;
  readonly name: string;
  readonly logger: Logger;
  /**
   * Stores a message and returns once the server has acknowledged it.
   *
   * @throws BusUnavailableError at once when the bus is not ready, or when the acknowledgement does not come
   * @throws UnpublishableError when the server will not take this message at any time
   * @throws OvertakenError when there is another last message than `after` says
   */
  publish(message: BusMessage): Promise<Stored>;
  /**
   * Resolves at the end of this turn of the event loop, for all who wait at once, so that what they send then goes to the
   * server in one write.
   */
  turn(): Promise<void>;
  /**
   * Sends a message to whoever listens now, and to the stream if there is one, and asks for no acknowledgement.
   *
   * @returns whether there is a connection to send it on
   * @throws UnpublishableError when it cannot be sent at any time
   */
  send(message: BusMessage): boolean;
  status(): BusStatus;
  /** Resolves when the bus is ready; rejects when the signal is aborted or the bus closed. */
  ready(signal?: AbortSignal): Promise<BusConnection>;
  /** Calls the listener each time the bus becomes ready, and at once when it is. Returns how to stop that. */
  onReady(listener: () => void): () => void;
  /** Makes sure again that the streams of its own are there; for who finds one missing. Never throws. */
  repair(): Promise<void>;
  close(): Promise<void>;
}
