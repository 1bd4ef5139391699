import type { FluxEvent, KubeObject } from '@sluice/shared/api';
import { type Clock, errorMessage, type Logger, type Timer } from '@sluice/shared/base';
import { coreResources, isNotFound, type KubeClient } from '@sluice/shared/kube';
import { apiTime, progressingReason } from '../status/conditions.ts';
import { RecentMap } from './recent.ts';
import { TokenBucket } from './token-bucket.ts';

/** How long equal events are counted up instead of created anew, in milliseconds. */
const aggregationMs = 600_000;
/** Events of one object: this many at once, then one in this many milliseconds, as in client-go. */
const burst = 25;
const refillMs = 300_000;
/** Objects and events remembered, and events waiting to be sent. */
const remembered = 4096;
const maxQueued = 5000;
/** Time one request may take, in milliseconds, and what is answered. */
const writeOptions = { timeoutMs: 10_000, metadataOnly: true };
const defaultFlushMs = 5_000;
/** How long what is said on the way waits to be part of what is said at the end, in milliseconds. */
const gatherMs = 1000;
/** Longest message that is gathered, in characters. */
const maxGathered = 4000;

/** A Kubernetes Event, as far as it is written here. */
export interface KubeEvent extends KubeObject {
  involvedObject: FluxEvent['involvedObject'];
  type: 'Normal' | 'Warning';
  reason: string;
  message: string;
  count: number;
  firstTimestamp: string;
  lastTimestamp: string;
  source: { component: string; host?: string };
  reportingComponent: string;
  reportingInstance: string;
}

/** Sends Kubernetes Events in the background. */
export interface KubeEvents {
  enqueue(event: FluxEvent): void;
  flush(timeoutMs?: number): Promise<void>;
}

interface Sent {
  namespace: string;
  name: string;
  count: number;
  firstAt: number;
}

/** What was said of an object on the way. */
interface Gathered {
  event: FluxEvent;
  timer: Timer;
}

interface KubeEventsOptions {
  client: KubeClient;
  clock: Clock;
  logger: Logger;
}

class Sender implements KubeEvents {
  readonly #options: KubeEventsOptions;
  readonly #queue: FluxEvent[] = [];
  readonly #sent = new RecentMap<Sent>(remembered);
  readonly #buckets = new RecentMap<TokenBucket>(remembered);
  readonly #gathered = new Map<string, Gathered>();
  #running: Promise<void> | undefined;
  #dropped = 0;

  constructor(options: KubeEventsOptions) {
    this.#options = options;
  }

  enqueue(event: FluxEvent): void {
    if (this.#queue.length + this.#gathered.size >= maxQueued) {
      this.#dropped += 1;
      return;
    }
    const key = objectKeyOf(event);
    const before = this.#take(key);
    const joined = before && joinedWith(before, event);
    if (before !== undefined && joined === undefined) this.#push(before);
    if (isOnTheWay(event)) this.#gather(key, joined ?? event);
    else this.#push(joined ?? event);
  }

  #gather(key: string, event: FluxEvent): void {
    const timer = this.#options.clock.setTimer(() => {
      this.#gathered.delete(key);
      this.#push(event);
    }, gatherMs);
    this.#gathered.set(key, { event, timer });
  }

  #take(key: string): FluxEvent | undefined {
    const gathered = this.#gathered.get(key);
    this.#gathered.delete(key);
    gathered?.timer.cancel();
    return gathered?.event;
  }

  #push(event: FluxEvent): void {
    this.#queue.push(event);
    this.#running ??= this.#drain().finally(() => {
      this.#running = undefined;
    });
  }

  async flush(timeoutMs = defaultFlushMs): Promise<void> {
    for (const key of [...this.#gathered.keys()]) {
      const event = this.#take(key);
      if (event !== undefined) this.#push(event);
    }
    const ended = new AbortController();
    const timeout = this.#options.clock.sleep(timeoutMs, ended.signal).catch(() => undefined);
    await Promise.race([this.#running, timeout]);
    ended.abort();
  }

  async #drain(): Promise<void> {
    const { logger } = this.#options;
    // Lets the caller go on first.
    await Promise.resolve();
    for (let event = this.#queue.shift(); event; event = this.#queue.shift()) {
      try {
        await this.#send(event);
      } catch (error) {
        const { reason, involvedObject: object } = event;
        const fields = { error: errorMessage(error), reason, object };
        logger.warn(fields, 'Kubernetes Event could not be written');
      }
    }
    const dropped = this.#dropped;
    if (dropped > 0) logger.warn({ dropped }, 'Kubernetes Events were dropped: too many at once');
    this.#dropped = 0;
  }

  async #send(event: FluxEvent): Promise<void> {
    const { client, clock } = this.#options;
    const now = clock.now();
    if (!this.#mayWrite(event, now)) return;
    const key = identityOf(event);
    const known = this.#sent.get(key);
    if (known && now - known.firstAt < aggregationMs && (await this.#countUp(known, now))) return;
    const created = toKubeEvent(event, now);
    await client.create(coreResources.events, created, writeOptions);
    const { name, namespace = 'default' } = created.metadata;
    this.#sent.set(key, { namespace, name, count: 1, firstAt: now });
  }

  #mayWrite(event: FluxEvent, now: number): boolean {
    const key = objectKeyOf(event);
    const known = this.#buckets.get(key);
    const bucket = known ?? new TokenBucket({ capacity: burst, refillMs, nowMs: now });
    if (!known) this.#buckets.set(key, bucket);
    return bucket.take(now);
  }

  /** Returns false when the event expired in the API server. */
  async #countUp(known: Sent, now: number): Promise<boolean> {
    const change = { count: known.count + 1, lastTimestamp: apiTime(now) };
    const options = { ...writeOptions, type: 'merge' } as const;
    try {
      await this.#options.client.patch(coreResources.events, known, change, options);
    } catch (error) {
      if (isNotFound(error)) return false;
      throw error;
    }
    known.count += 1;
    return true;
  }
}

/**
 * Makes the sender of Kubernetes Events.
 *
 * 1. `enqueue` returns at once; at most 5000 events wait, and what does not fit is dropped, counted and logged.
 * 2. Events are sent one after the other, in order.
 * 3. An event equal to an earlier one (object, type, reason, message, metadata) within 10 minutes counts that
 *    one up.
 * 4. An object gets 25 events at once, then one each 5 minutes; what exceeds that is dropped.
 * 5. A request that fails drops that event alone.
 * 6. What is said on the way, with the reason `Progressing`, is part of the next event of the object that is none of a
 *    failure, when that comes within a second: one Event tells of a short reconcile, line by line.
 */
export function createKubeEvents(options: KubeEventsOptions): KubeEvents {
  return new Sender(options);
}

function objectKeyOf({ involvedObject }: FluxEvent): string {
  return involvedObject.uid ?? JSON.stringify(involvedObject);
}

function isOnTheWay({ severity, reason }: FluxEvent): boolean {
  return severity === 'info' && reason === progressingReason;
}

/** Returns an event that tells of both; undefined when they are to stay two. */
function joinedWith(before: FluxEvent, event: FluxEvent): FluxEvent | undefined {
  const message = `${before.message}\n${event.message}`;
  if (event.severity !== 'info' || message.length > maxGathered) return undefined;
  const metadata = { ...before.metadata, ...event.metadata };
  return { ...event, message, ...(Object.keys(metadata).length > 0 && { metadata }) };
}

function identityOf({ involvedObject: o, ...event }: FluxEvent): string {
  const { severity, reason, message, metadata } = event;
  const object = [o.apiVersion, o.kind, o.namespace, o.name, o.uid];
  return JSON.stringify([object, severity === 'error', reason, message, metadata]);
}

/** Builds the Kubernetes Event of an event. `nowMs` is in milliseconds since the epoch. */
function toKubeEvent(event: FluxEvent, nowMs: number): KubeEvent {
  const { involvedObject, reportingController, reportingInstance = '' } = event;
  const unique = `${nowMs.toString(16)}${Math.floor(Math.random() * 2 ** 48).toString(16)}`;
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: {
      name: `${involvedObject.name.slice(0, 230)}.${unique}`,
      namespace: involvedObject.namespace ?? 'default',
      annotations: event.metadata,
    },
    involvedObject,
    type: event.severity === 'error' ? 'Warning' : 'Normal',
    reason: event.reason,
    message: event.message,
    count: 1,
    firstTimestamp: apiTime(nowMs),
    lastTimestamp: apiTime(nowMs),
    source: { component: reportingController, host: reportingInstance },
    reportingComponent: reportingController,
    reportingInstance,
  };
}
