import { silentLogger } from '@sluice/shared/base';
import { type Bus, createBusEventSink, deadLetterSubject, streamName } from '@sluice/shared/bus';
import type { NatsServer, WebhookReceiver } from '@sluice/testing';
import { eventOf } from './objects.ts';

/** What is killed, and comes back by `start`. */
export interface Victim {
  kill(): Promise<void>;
  start(): Promise<void>;
}

export interface EventKillsOptions {
  /** Of a publisher, with the streams that the controller reads. */
  bus: Bus;
  /** Where the publisher keeps its outbox. */
  dir: string;
  /** Of the Alert and its Provider, which delivers to the service. */
  namespace: string;
  provider: string;
  service: WebhookReceiver;
  controllers: readonly Victim[];
  nats: NatsServer;
  kills: number;
  events: number;
  /** From 0 to below 1. */
  random: () => number;
  /** Resolves at the moment of the next kill. */
  moment: () => Promise<void>;
  /** Resolves when the next event is to be published; at once when absent. */
  pace?: () => Promise<void>;
  /** What is killed; everything, in turns by chance, when absent. */
  kinds?: readonly Kind[];
}

export interface EventKillsResult {
  /** Kills by what was killed. */
  kills: { controller: number; nats: number; both: number };
  delivered: number;
  deadLettered: number;
  /** Deliveries of what had been delivered already. */
  duplicates: number;
  /** Events of which nothing is known. */
  lost: string[];
}

type Kind = keyof EventKillsResult['kills'];
const allKinds: readonly Kind[] = ['controller', 'nats', 'both'];

/**
 * Lets events flow from a publisher with an outbox to a service, and kills the controllers, the NATS server, or all of
 * them meanwhile. Resolves once each event was delivered or is a dead letter.
 *
 * @throws Error that counts the lost ones when nothing arrives for two minutes
 */
export async function runEventKills(o: EventKillsOptions): Promise<EventKillsResult> {
  const kills = { controller: 0, nats: 0, both: 0 };
  const { kinds = allKinds } = o;
  const logger = silentLogger;
  const sink = createBusEventSink(o.bus, { dir: o.dir, logger, maxRetryDelayMs: 200 });
  const perKill = Math.ceil(o.events / Math.max(1, o.kills));
  const names = new Set<string>();
  try {
    for (let kill = 0; kill < Math.max(1, o.kills); kill++) {
      const publishing = publish(perKill);
      if (o.kills > 0) {
        const kind = kinds[Math.floor(o.random() * kinds.length)] ?? 'both';
        kills[kind]++;
        await o.moment();
        await strike(kind, o);
      }
      await publishing;
    }
    await sink.flush();
    const letters = await untilSettled(names, o);
    return { kills, ...count(names, letters, o.service) };
  } finally {
    await sink.close();
  }

  async function publish(count: number): Promise<void> {
    for (let i = 0; i < count && names.size < o.events; i++) {
      await o.pace?.();
      const message = `event ${names.size} of this run`;
      names.add(message);
      const event = eventOf({ message, timestamp: new Date().toISOString() });
      const name = `app-${names.size % 50}`;
      const { namespace } = o;
      await sink.publish({
        ...event,
        involvedObject: { ...event.involvedObject, namespace, name },
      });
    }
  }
}

async function strike(kind: Kind, o: EventKillsOptions): Promise<void> {
  const one = o.controllers[Math.floor(o.random() * o.controllers.length)] as Victim;
  if (kind !== 'controller') await o.nats.kill();
  if (kind !== 'nats') await one.kill();
  if (kind !== 'controller') await o.nats.restart();
  if (kind !== 'nats') await one.start();
}

const messageOf = (body: string) => (JSON.parse(body) as { message: string }).message;

/** Waits until each event was received or is a dead letter; the messages of the letters. */
async function untilSettled(
  names: ReadonlySet<string>,
  { service, bus, namespace, provider }: EventKillsOptions,
): Promise<Set<string>> {
  const received = new Set<string>();
  let seen = 0;
  const settled = (letters: ReadonlySet<string>) => {
    for (; seen < service.requests.length; seen++) {
      received.add(messageOf(service.requests[seen]?.body ?? '{}'));
    }
    return [...names].every((name) => received.has(name) || letters.has(name));
  };
  for (;;) {
    const letters = await lettersOf(bus, namespace, provider);
    if (settled(letters)) return letters;
    const before = service.requests.length;
    await service
      .waitFor(() => service.requests.length > before, { timeoutMs: 120_000 })
      .catch(() => {
        const left = [...names].filter((name) => !received.has(name) && !letters.has(name));
        throw new Error(
          `${left.length} of ${names.size} events are lost, such as ${left.slice(0, 3).join('; ')}`,
        );
      });
  }
}

async function lettersOf(bus: Bus, namespace: string, provider: string): Promise<Set<string>> {
  const { manager } = await bus.ready(AbortSignal.timeout(30_000));
  const stream = streamName(bus.prefix, 'deadletter');
  const subject = deadLetterSubject(bus.prefix, namespace, provider);
  const messages = new Set<string>();
  for (let seq = 1; ; ) {
    const found = await manager.direct.getMessage(stream, { seq, next_by_subj: subject });
    if (found === null) return messages;
    const letter = found.json<{ delivery?: { event: { message: string } } }>();
    if (letter.delivery) messages.add(letter.delivery.event.message);
    seq = found.seq + 1;
  }
}

function count(
  names: ReadonlySet<string>,
  letters: ReadonlySet<string>,
  { requests }: WebhookReceiver,
): Omit<EventKillsResult, 'kills'> {
  const received = requests.map(({ body }) => messageOf(body)).filter((name) => names.has(name));
  const delivered = new Set(received);
  return {
    delivered: delivered.size,
    deadLettered: [...letters].filter((name) => !delivered.has(name)).length,
    duplicates: received.length - delivered.size,
    lost: [...names].filter((name) => !delivered.has(name) && !letters.has(name)),
  };
}

/** Numbers that look random and are the same for the same seed (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
