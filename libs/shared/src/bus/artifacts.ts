import type { Msg } from '@nats-io/transport-node';
import type { ArtifactAnnouncer, ArtifactNotice } from '@sluice/shared/api';
import { backoff, systemClock } from '@sluice/shared/base';
import type { Bus } from './bus.ts';
import { decodeMessage, plainHeaders, traceOf } from './message.ts';
import { artifactSubject, streamSubjects } from './streams.ts';
import { inTrace } from './trace.ts';

/** Something that goes on until it is stopped. */
export interface Subscription {
  stop(): Promise<void>;
}

/** Notices kept per source while NATS is away; more sources than this are told by the API server alone. */
const maxWaiting = 10_000;
const restartDelay = { minMs: 100, maxMs: 10_000 };

/** Creates an announcer that never waits: while NATS is away it keeps the newest notice of each source. */
export function createArtifactAnnouncer(bus: Bus): ArtifactAnnouncer {
  const waiting = new Map<string, ArtifactNotice>();
  const send = (key: string, notice: ArtifactNotice) => {
    try {
      const subject = artifactSubject(bus.prefix, notice);
      const id = `${subject}@${notice.artifact.revision}@${notice.observedAt}`;
      if (bus.send({ subject, data: notice, id })) waiting.delete(key);
      else if (waiting.has(key) || waiting.size < maxWaiting) waiting.set(key, notice);
    } catch (error) {
      waiting.delete(key);
      bus.logger.error({ error, source: key }, 'an artifact cannot be announced');
    }
  };
  bus.onReady(() => {
    for (const [key, notice] of [...waiting]) send(key, notice);
  });
  return {
    announce: (notice) => send(`${notice.kind}/${notice.namespace}/${notice.name}`, notice),
  };
}

/**
 * Calls the listener with each new artifact while NATS is there. It reads no stream, so it needs none and no right to
 * make consumers; what it misses the API server tells. The listener must not throw.
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

/** A subscription outlives the server, but neither the connection nor a refusal. */
async function listen(
  bus: Bus,
  listener: (notice: ArtifactNotice) => void,
  stop: AbortSignal,
): Promise<void> {
  for (let attempt = 0; !stop.aborted; attempt++) {
    try {
      const { nats } = await bus.ready(stop);
      const messages = nats.subscribe(streamSubjects(bus.prefix, 'artifacts'));
      const end = () => messages.unsubscribe();
      stop.addEventListener('abort', end, { once: true });
      for await (const message of messages) {
        attempt = 0;
        hand(bus, message, listener);
      }
      stop.removeEventListener('abort', end);
    } catch (error) {
      if (stop.aborted) return;
      bus.logger.debug({ error }, 'the artifact subscription is interrupted, starting it again');
    }
    await systemClock.sleep(backoff({ attempt, ...restartDelay }), stop).catch(() => undefined);
  }
}

function hand(bus: Bus, message: Msg, listener: (notice: ArtifactNotice) => void): void {
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
