import {
  type ConsumerMessages,
  DeliverPolicy,
  type JsMsg,
  type OrderedConsumerOptions,
} from '@nats-io/jetstream';
import { backoff, systemClock } from '@sluice/shared/base';
import type { Bus, BusConnection } from './bus.ts';
import { decodeMessage } from './message.ts';
import { type StreamId, streamName, streamSubjects } from './streams.ts';

export interface FollowedMessage {
  subject: string;
  /** Milliseconds since the epoch at which the stream stored it. */
  storedAt: number;
  /**
   * Its body.
   *
   * @throws UnreadableMessageError when it is none of ours
   */
  data(): unknown;
}

export interface FollowOptions {
  stream: StreamId;
  /** Subjects below those of the stream; all when unset. */
  filterSubject?: string;
  /** Milliseconds of age of what is told of the past; when unset, the last message of each subject is. */
  pastMs?: number;
  /** What was told before is void, as after the connection was lost: it is told again. Must not throw. */
  onReset: () => void;
  /** Hears of each message, in order. Must not throw. */
  onMessage: (message: FollowedMessage) => void;
  now?: () => number;
}

/** A copy of a stream that is kept up to date. */
export interface Following {
  /** Whether everything was told that the stream held when the connection was made; what comes later is told as it comes. */
  isCurrent(): boolean;
  close(): Promise<void>;
}

const restartDelay = { minMs: 100, maxMs: 10_000 };
const batch = 500;

/** Tells of the messages of a stream, of those that are there and those that come, for ever and to this process alone. */
export function follow(bus: Bus, options: FollowOptions): Following {
  const closing = new AbortController();
  let current = false;
  const running = run(bus, options, closing.signal, (value) => {
    current = value;
  });
  return {
    isCurrent: () => current && bus.status().ready,
    async close() {
      closing.abort(new Error('the stream is not followed any more'));
      await running;
    },
  };
}

async function run(
  bus: Bus,
  options: FollowOptions,
  stop: AbortSignal,
  isCurrent: (value: boolean) => void,
): Promise<void> {
  for (let attempt = 0; !stop.aborted; attempt++) {
    try {
      const connection = await bus.ready(stop);
      options.onReset();
      await tell(bus, options, { connection, stop, isCurrent });
      attempt = 0;
    } catch (error) {
      if (stop.aborted) return;
      bus.logger.debug({ error, stream: options.stream }, 'a stream is followed anew');
    } finally {
      isCurrent(false);
    }
    await systemClock.sleep(backoff({ attempt, ...restartDelay }), stop).catch(() => undefined);
  }
}

/** Tells until the connection is lost. */
async function tell(
  bus: Bus,
  options: FollowOptions,
  o: { connection: BusConnection; stop: AbortSignal; isCurrent: (value: boolean) => void },
): Promise<void> {
  const { stream, onMessage } = options;
  const name = streamName(bus.prefix, stream);
  const start = await startOf(o.connection, name, options);
  const consumer = await o.connection.jetstream.consumers.get(name, {
    name_prefix: `${bus.name}-${crypto.randomUUID().slice(0, 8)}`,
    filter_subjects: options.filterSubject ?? streamSubjects(bus.prefix, stream),
    ...start,
  });
  const { num_pending: waiting } = await consumer.info(true);
  o.isCurrent(waiting === 0);
  const messages = await consumer.consume({ max_messages: batch });
  const end = () => messages.stop();
  const stopListening = onLost(bus, o.connection, end);
  void onGone(messages, end);
  o.stop.addEventListener('abort', end, { once: true });
  if (o.stop.aborted) end();
  try {
    for await (const message of messages) {
      onMessage(followed(message));
      if (message.info.pending === 0) o.isCurrent(true);
    }
  } finally {
    stopListening();
    o.stop.removeEventListener('abort', end);
  }
}

/** The library would go on with the next sequence, which a stream that was made again has not reached. */
const gone: readonly string[] = [
  'consumer_deleted',
  'consumer_not_found',
  'no_responders',
  'reset',
  'stream_not_found',
];

async function onGone(messages: ConsumerMessages, listener: () => void): Promise<void> {
  for await (const { type } of messages.status()) {
    if (gone.includes(type)) listener();
  }
}

function followed(message: JsMsg): FollowedMessage {
  return {
    subject: message.subject,
    storedAt: message.time.getTime(),
    data: () => decodeMessage(message),
  };
}

/** A consumer does not outlive the connection that it was made on. */
function onLost(bus: Bus, connection: BusConnection, listener: () => void): () => void {
  return bus.onReady(() => {
    void bus.ready().then((present) => {
      if (present !== connection) listener();
    }, listener);
  });
}

async function startOf(
  connection: BusConnection,
  stream: string,
  { pastMs, now = Date.now }: FollowOptions,
): Promise<Partial<OrderedConsumerOptions>> {
  if (pastMs === undefined) return { deliver_policy: DeliverPolicy.LastPerSubject };
  const sequence = await firstSince(connection, stream, now() - pastMs);
  return { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: sequence };
}

/** The sequence at which the messages begin that were stored since a time; the next one when there are none. */
async function firstSince(
  { manager }: BusConnection,
  stream: string,
  sinceMs: number,
): Promise<number> {
  const { state } = await manager.streams.info(stream);
  let [low, high] = [Math.max(1, state.first_seq), state.last_seq + 1];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const found = await manager.direct.getMessage(stream, { seq: middle, next_by_subj: '>' });
    if (found === null || found.time.getTime() >= sinceMs) high = middle;
    else low = found.seq + 1;
  }
  return low;
}
