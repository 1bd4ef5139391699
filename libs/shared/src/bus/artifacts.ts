import {
  AckPolicy,
  type ConsumerMessages,
  DeliverPolicy,
  type JsMsg,
  ReplayPolicy,
} from '@nats-io/jetstream';
import { nanos } from '@nats-io/transport-node';
import type { ArtifactAnnouncer, ArtifactNotice } from '@sluice/shared/api';
import { backoff, systemClock } from '@sluice/shared/base';
import type { Bus, BusConnection } from './bus.ts';
import { decodeMessage, plainHeaders, traceOf } from './message.ts';
import { artifactSubject, streamName, streamSubjects } from './streams.ts';
import { inTrace } from './trace.ts';

/** Something that goes on until it is stopped. */
export interface Subscription {
  stop(): Promise<void>;
}

/** Notices kept per source while NATS is away; more sources than this are told by the API server alone. */
const maxWaiting = 10_000;
const resendMs = 1_000;
const restartDelay = { minMs: 100, maxMs: 10_000 };
const inactiveMs = 60_000;

/** Creates an announcer that never waits: the newest notice of each source goes out once NATS takes it. */
export function createArtifactAnnouncer(bus: Bus): ArtifactAnnouncer {
  const waiting = new Map<string, ArtifactNotice>();
  const send = async (subject: string, notice: ArtifactNotice) => {
    try {
      const id = `${subject}@${notice.artifact.revision}@${notice.observedAt}`;
      await bus.publish({ subject, data: notice, id });
      if (waiting.get(subject) === notice) waiting.delete(subject);
    } catch (error) {
      bus.logger.debug({ error, subject }, 'an artifact could not be announced yet');
      // Not ready: the bus says when it is.
      if (!bus.status().ready) return;
      await systemClock.sleep(resendMs);
      if (waiting.get(subject) === notice) await send(subject, notice);
    }
  };
  bus.onReady(() => {
    for (const [subject, notice] of waiting) void send(subject, notice);
  });
  return {
    announce(notice) {
      const subject = artifactSubject(bus.prefix, notice);
      if (waiting.has(subject) || waiting.size < maxWaiting) waiting.set(subject, notice);
      void send(subject, notice);
    },
  };
}

/**
 * Calls the listener with the last artifact of every source, then with each new one. After a loss of NATS the last
 * ones come again. The listener must not throw.
 */
export function onArtifacts(bus: Bus, listener: (notice: ArtifactNotice) => void): Subscription {
  const stopping = new AbortController();
  const running = listen(bus, listener, stopping.signal);
  return {
    async stop() {
      stopping.abort(new Error('the subscription is stopped'));
      await running;
    },
  };
}

async function listen(
  bus: Bus,
  listener: (notice: ArtifactNotice) => void,
  stop: AbortSignal,
): Promise<void> {
  for (let attempt = 0; !stop.aborted; attempt++) {
    try {
      const messages = await open(bus, await bus.ready(stop));
      const started = Date.now();
      await readAll(bus, messages, { listener, stop });
      if (Date.now() - started > restartDelay.maxMs) attempt = 0;
    } catch (error) {
      if (stop.aborted) return;
      bus.logger.debug({ error }, 'the artifact subscription is interrupted, starting it again');
      await bus.repair();
    }
    await systemClock.sleep(backoff({ attempt, ...restartDelay }), stop).catch(() => undefined);
  }
}

async function open(bus: Bus, { manager, jetstream }: BusConnection): Promise<ConsumerMessages> {
  const stream = streamName(bus.prefix, 'artifacts');
  const { name } = await manager.consumers.add(stream, {
    ack_policy: AckPolicy.None,
    deliver_policy: DeliverPolicy.LastPerSubject,
    filter_subject: streamSubjects(bus.prefix, 'artifacts'),
    replay_policy: ReplayPolicy.Instant,
    inactive_threshold: nanos(inactiveMs),
    mem_storage: true,
    num_replicas: 1,
  });
  const consumer = await jetstream.consumers.get(stream, name);
  return consumer.consume({ abort_on_missing_resource: true });
}

async function readAll(
  bus: Bus,
  messages: ConsumerMessages,
  o: { listener: (notice: ArtifactNotice) => void; stop: AbortSignal },
): Promise<void> {
  const end = () => void messages.close();
  o.stop.addEventListener('abort', end, { once: true });
  if (o.stop.aborted) end();
  try {
    for await (const message of messages) hand(bus, message, o.listener);
  } finally {
    o.stop.removeEventListener('abort', end);
    end();
  }
}

function hand(bus: Bus, message: JsMsg, listener: (notice: ArtifactNotice) => void): void {
  try {
    const notice = decodeMessage(message) as ArtifactNotice;
    if (!notice?.kind || !notice.name || !notice.artifact?.revision) {
      throw new Error('kind, name or artifact is missing');
    }
    inTrace(traceOf(plainHeaders(message)), () => listener(notice));
  } catch (error) {
    bus.logger.warn({ error, subject: message.subject }, 'an artifact notice is ignored');
  }
}
