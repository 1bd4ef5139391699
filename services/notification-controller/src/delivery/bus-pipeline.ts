import type { AuditRecord, FluxEvent } from '@sluice/shared/api';
import {
  auditSubject,
  type Bus,
  BusUnavailableError,
  type ConsumedMessage,
  type Consumer,
  consume,
  deadLettersOf,
  deliverySubject,
  eventSubject,
  isStreamFull,
  type OutboxSink,
  publishDeadLetter,
  removeMessage,
  UnpublishableError,
  UnreadableMessageError,
  type Verdict,
} from '@sluice/shared/bus';
import { withSpan } from '@sluice/shared/runtime';
import { consumeRecords } from '../audit/consume-records.ts';
import { InvalidEventError } from '../event/event-fields.ts';
import { checkEvent } from '../event/parse-event.ts';
import { type Delivery, type FailedAttempt, isDelivery } from './delivery.ts';
import { Lanes, timerLanes } from './lanes.ts';
import {
  deadLetter,
  maxReplayed,
  type Pipeline,
  type PipelineParts,
  type ReplayRequest,
  type ReplayResult,
  revived,
} from './pipeline.ts';
import { givesUp, retryDelayMs } from './retry-policy.ts';
import type { Taken } from './spread.ts';

export interface BusPipelineOptions extends PipelineParts {
  bus: Bus;
  /** Holds events that come while NATS is away. */
  outbox: OutboxSink;
  /**
   * Finds out to whom an audit record goes.
   *
   * @param o `storedAt` is when the trail has stored it, in milliseconds since the epoch
   */
  spreadRecord: (record: AuditRecord, o: { storedAt: number }) => Promise<Delivery[]>;
}

/** Name of the durable consumer, shared by all replicas. */
const durable = 'notification-controller';
const eventsInFlight = 64;
/** Short, since a killed process's messages wait so long; handlers that take longer say so. */
const ackWaitMs = 10_000;
/** Some 45 minutes with the growing delays of the consumer. */
const maxEventAttempts = 50;
/** One Event an hour tells of it. */
const noRoom: FailedAttempt = {
  type: 'failed',
  error:
    'NATS has no room for more deliveries, and more wait for this Provider than for others: the oldest are dead letters; correct the Provider, or let fewer events through',
  permanent: true,
  unusable: true,
};

/**
 * Events go from the event stream, through matching, to one message per alert in the delivery stream, and leave it
 * once the provider has them or the dead letter stream does. Each step is acknowledged after the next one is stored.
 */
export function createBusPipeline(options: BusPipelineOptions): Pipeline {
  const { bus, outbox, reporter } = options;
  let running: { consumers: Consumer[]; lanes: Lanes } | undefined;
  return {
    async accept(event, id) {
      try {
        await bus.publish({ subject: eventSubject(bus.prefix, event), data: event, id });
      } catch (error) {
        const isKept = error instanceof BusUnavailableError || error instanceof UnpublishableError;
        if (!isKept) throw error;
        // It knows what to do with what can never be published, too.
        await outbox.publish(event);
      }
    },
    end: (taken) => spread(taken, running?.lanes, options),
    replay: (request) => replay(request, running?.lanes, options),
    start() {
      const common = { ackWaitMs, onDeadLetter: reporter.unreadable };
      const lanes: Lanes = new Lanes({
        ...common,
        bus,
        crowdOut: (delivery) => giveUp(delivery, { result: noRoom, attempts: 0 }, options),
        handler: (message, signal) =>
          message.data?.timer
            ? releaseGroup(message, lanes, options)
            : deliver(message, signal, options),
      });
      const events = consume<FluxEvent>(bus, {
        ...common,
        stream: 'events',
        durable,
        maxInFlight: eventsInFlight,
        maxAttempts: maxEventAttempts,
        handler: (message) =>
          withSpan('match alerts', { kind: 'consumer' }, async (): Promise<Verdict> => {
            const { id, storedAt: at } = message;
            await spread({ event: eventIn(message), id, at }, lanes, options);
            return 'ack';
          }),
      });
      const records = consumeRecords({
        bus,
        durable,
        ackWaitMs,
        onUnreadable: reporter.unreadableRecord,
        spread: async (record, storedAt) => {
          const subject = auditSubject(bus.prefix, record.object);
          const deliveries = await options.spreadRecord(record, { storedAt });
          await storeAll(deliveries, { subject, lanes }, options);
        },
      });
      running = { consumers: [events, records], lanes };
    },
    async close() {
      await Promise.all(running?.consumers.map((consumer) => consumer.close()) ?? []);
      await running?.lanes.close();
      await outbox.close();
    },
  };
}

/** Makes one delivery message for each alert that wants the event. */
async function spread(
  taken: Taken,
  lanes: Lanes | undefined,
  options: BusPipelineOptions,
): Promise<void> {
  const subject = eventSubject(options.bus.prefix, taken.event);
  await storeAll(await options.alerting.spread(taken), { subject, lanes }, options);
}

/**
 * Stores deliveries. One that cannot be stored, for instance since the alert adds too much to it, does not keep the others
 * from theirs.
 *
 * @param o `subject` is of the message that they are made of
 */
async function storeAll(
  deliveries: readonly Delivery[],
  { subject, lanes }: { subject: string; lanes: Lanes | undefined },
  { bus, alerting, reporter }: BusPipelineOptions,
): Promise<void> {
  for (const delivery of deliveries) {
    try {
      const isStored = await store(delivery, lanes, bus);
      // What it is made of was taken before, so the delivery may have ended already.
      if (!isStored) await alerting.incidents.ended(delivery, { told: false });
    } catch (error) {
      if (!(error instanceof UnpublishableError)) throw error;
      await alerting.incidents.ended(delivery, { told: false });
      const { namespace, name } = delivery.alert;
      bus.logger.error({ error, alert: `${namespace}/${name}` }, 'A delivery cannot be stored');
      const letter = { error: error.message, subject, alert: delivery.alert };
      const place = { namespace: '_unreadable', provider: 'alerts', id: delivery.id };
      await publishDeadLetter(bus, { ...place, letter });
      reporter.unreadable();
    }
  }
}

/** Stores a delivery for its Provider's lane, or a timer for that of its namespace; false: it was stored before. */
async function store(delivery: Delivery, lanes: Lanes | undefined, bus: Bus): Promise<boolean> {
  const { namespace } = delivery.alert;
  const lane = delivery.timer
    ? { namespace: timerLanes, provider: namespace }
    : { namespace, provider: delivery.provider };
  const subject = deliverySubject(bus.prefix, lane.namespace, lane.provider);
  try {
    const { duplicate } = await bus.publish({ subject, data: delivery, id: delivery.id });
    lanes?.open(lane.namespace, lane.provider);
    return !duplicate;
  } catch (error) {
    if (isStreamFull(error)) lanes?.makeRoom();
    throw error;
  }
}

function eventIn(message: ConsumedMessage<FluxEvent>): FluxEvent {
  try {
    return checkEvent(message.data);
  } catch (error) {
    if (!(error instanceof InvalidEventError)) throw error;
    throw new UnreadableMessageError(`it is no event: ${error.message}`, { cause: error });
  }
}

/** Sends a group when it is due; it is looked at again until then, by whichever process is there. */
async function releaseGroup(
  { data: timer }: ConsumedMessage<Delivery>,
  lanes: Lanes,
  { bus, alerting }: BusPipelineOptions,
): Promise<Verdict> {
  if (!isDelivery(timer)) throw new UnreadableMessageError('it is no timer of a group');
  const released = await alerting.release(timer);
  if ('waitMs' in released) return { nakAfterMs: released.waitMs };
  for (const delivery of released.deliveries) await store(delivery, lanes, bus);
  await released.stored();
  return 'ack';
}

async function deliver(
  message: ConsumedMessage<Delivery>,
  signal: AbortSignal,
  options: BusPipelineOptions,
): Promise<Verdict> {
  const { attempt, retry, reporter, now = Date.now } = options;
  const delivery = message.data;
  if (!isDelivery(delivery)) throw new UnreadableMessageError('it is no delivery');
  const attempts = message.redelivered + 1;
  const ageMs = now() - message.storedAt;
  if (ageMs < retry.giveUpAfterMs && (await options.alerting.incidents.isEarly(delivery, signal))) {
    return { nakAfterMs: retryDelayMs(retry, attempts) };
  }
  // A provider may take longer than the server waits for an answer.
  const keepAlive = setInterval(() => message.inProgress(), ackWaitMs / 3);
  try {
    const result = await attempt(delivery, { signal, ageMs });
    // Cut off by the shutdown, which says nothing about the provider.
    if (result.type === 'failed' && signal.aborted) return { nakAfterMs: 0 };
    reporter.attempted(delivery, result, attempts);
    if (result.type !== 'failed') return 'ack';
    if (!givesUp(retry, { attempt: attempts, ageMs, permanent: result.permanent })) {
      return { nakAfterMs: retryDelayMs(retry, attempts, result.retryAfterMs) };
    }
    await giveUp(delivery, { result, attempts }, options);
    return 'ack';
  } finally {
    clearInterval(keepAlive);
  }
}

/** Makes a dead letter of a delivery, and tells of it. */
async function giveUp(
  delivery: Delivery,
  { result, attempts }: { result: FailedAttempt; attempts: number },
  { bus, alerting, reporter, now = Date.now }: BusPipelineOptions,
): Promise<void> {
  const letter = deadLetter(delivery, { error: result.error, attempts, nowMs: now() });
  const { provider, id } = delivery;
  await publishDeadLetter(bus, { namespace: delivery.alert.namespace, provider, id, letter });
  await alerting.incidents.ended(delivery, { told: false });
  await reporter.givenUp(letter, result);
}

/** A letter is removed once its delivery is stored; stopped in between, it is stored once all the same. */
async function replay(
  request: ReplayRequest,
  lanes: Lanes | undefined,
  { bus }: BusPipelineOptions,
): Promise<ReplayResult> {
  const { namespace, name, signal } = request;
  let replayed = 0;
  for await (const letter of deadLettersOf(bus, { namespace, provider: name, signal })) {
    const delivery = revived(letter.data, request, String(letter.sequence));
    if (delivery === undefined) continue;
    if (replayed === maxReplayed) return { replayed, more: true };
    await store(delivery, lanes, bus);
    await removeMessage(bus, 'deadletter', letter.sequence);
    replayed++;
  }
  return { replayed, more: false };
}
