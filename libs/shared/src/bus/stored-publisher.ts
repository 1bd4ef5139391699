import { JetStreamApiError } from '@nats-io/jetstream';
import {
  createInbox,
  type Msg,
  type MsgHdrs,
  type NatsConnection,
  PermissionViolationError,
} from '@nats-io/transport-node';
import { type Clock, systemClock } from '@sluice/shared/base';
import type { Stored } from './bus.ts';

/** A message as it goes over the wire. */
export interface OutgoingMessage {
  subject: string;
  body: Uint8Array;
  headers: MsgHdrs;
  /** Milliseconds to wait for the acknowledgement. */
  timeoutMs: number;
}

interface Waiting {
  subject: string;
  resolve(stored: Stored): void;
  /** Ends the wait; only the first end counts. */
  reject(error: unknown): void;
}

/** Of the status of an answer: no stream takes the subject. */
const noResponders = 503;

/**
 * Publishes to streams over one connection and waits for their acknowledgements. The library's own way makes a handful
 * of promises and an error with its stack for each message.
 */
export class StoredPublisher {
  readonly #nats: NatsConnection;
  readonly #clock: Clock;
  readonly #inbox: string;
  readonly #waiting = new Map<string, Waiting>();
  #last = 0;

  /** @param inboxPrefix begins the subjects of answers, which this user may read */
  constructor(nats: NatsConnection, inboxPrefix: string, clock: Clock = systemClock) {
    this.#nats = nats;
    this.#clock = clock;
    this.#inbox = `${createInbox(inboxPrefix)}.`;
    nats.subscribe(`${this.#inbox}*`, { callback: (error, message) => this.#hear(error, message) });
  }

  /**
   * Stores a message; resolves once a stream has acknowledged it.
   *
   * @throws JetStreamApiError what the stream refuses it for, or the library's error when it cannot be sent or answered
   */
  publish({ subject, body, headers, timeoutMs }: OutgoingMessage): Promise<Stored> {
    return new Promise((resolve, reject) => {
      const token = (++this.#last).toString(36);
      const end = () => {
        this.#waiting.delete(token);
        timer.cancel();
      };
      const waiting: Waiting = {
        subject,
        resolve(stored) {
          end();
          resolve(stored);
        },
        reject(error) {
          end();
          reject(error);
        },
      };
      const timer = this.#clock.setTimer(() => {
        waiting.reject(new Error(`no answer within ${timeoutMs} ms`));
      }, timeoutMs);
      this.#waiting.set(token, waiting);
      try {
        this.#nats.publish(subject, body, { headers, reply: `${this.#inbox}${token}` });
      } catch (error) {
        waiting.reject(error);
      }
    });
  }

  /** Ends the waits that the error of a connection is about. */
  refuse(error: unknown): void {
    if (!(error instanceof PermissionViolationError) || error.operation !== 'publish') return;
    for (const waiting of [...this.#waiting.values()]) {
      if (waiting.subject === error.subject) waiting.reject(error);
    }
  }

  /** Ends all waits: answers do not outlive the connection. */
  abandon(error: Error): void {
    for (const waiting of [...this.#waiting.values()]) waiting.reject(error);
  }

  #hear(error: Error | null, message: Msg): void {
    // Of the subscription itself: whoever waits is told by the time.
    if (error !== null) return;
    const waiting = this.#waiting.get(message.subject.slice(this.#inbox.length));
    if (waiting === undefined) return;
    if (message.headers?.code === noResponders) {
      waiting.reject(new Error('no stream takes it, or JetStream is not enabled'));
      return;
    }
    try {
      waiting.resolve(acknowledgement(message));
    } catch (problem) {
      waiting.reject(problem);
    }
  }
}

/** What a stream answers, as the library declares it for one that refuses. */
interface Answer {
  stream?: string;
  seq?: number;
  duplicate?: boolean;
  error?: ConstructorParameters<typeof JetStreamApiError>[0];
}

function acknowledgement(message: Msg): Stored {
  const { stream, seq, duplicate = false, error } = message.json<Answer>();
  if (error !== undefined) throw new JetStreamApiError(error);
  if (!stream || seq === undefined) throw new Error('the answer is no acknowledgement');
  return { stream, sequence: seq, duplicate };
}
