import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { FluxEvent } from '@sluice/shared/api';
import { errorMessage, type Logger, sha256Hex } from '@sluice/shared/base';
import {
  createOutbox,
  type Outbox,
  type OutboxMetrics,
  UnpublishableError,
} from '@sluice/shared/bus';
import { withSpan } from '@sluice/shared/runtime';
import { InvalidEventError } from '../event/event-fields.ts';
import { checkEvent } from '../event/parse-event.ts';
import { GroupTimers } from '../noise/group-timers.ts';
import { type Delivery, isDelivery } from './delivery.ts';
import { DiskLetters } from './disk-letters.ts';
import {
  deadLetter,
  maxReplayed,
  type Pipeline,
  type PipelineParts,
  type ReplayRequest,
  type ReplayResult,
  revived,
} from './pipeline.ts';
import { givesUp } from './retry-policy.ts';
import type { Taken } from './spread.ts';

export interface DiskPipelineOptions extends PipelineParts {
  /** Folder for everything that waits. */
  dir: string;
  /** Bytes of waiting events, and of waiting deliveries of each provider. */
  maxBytes: number;
  logger: Logger;
  /** Of the waiting events. */
  metrics?: OutboxMetrics;
}

interface Accepted {
  event: FluxEvent;
  id: string;
  /** When it was taken in, in milliseconds since the epoch. */
  at?: number;
}

/** Some 45 minutes with the growing delays of the outbox. */
const maxEventAttempts = 100;

/**
 * The way of events without NATS: an outbox of events, then one outbox for each provider, in which a delivery that
 * fails holds up the ones behind it. Nothing is shared between replicas.
 */
export function createDiskPipeline(options: DiskPipelineOptions): Pipeline {
  return new DiskPipeline(options);
}

class DiskPipeline implements Pipeline {
  readonly #options: DiskPipelineOptions;
  readonly #accepted: Promise<Outbox<Accepted>>;
  readonly #letters: DiskLetters;
  readonly #started = Promise.withResolvers<void>();
  readonly #providers = new Map<string, Outbox<Delivery>>();
  readonly #groups: GroupTimers;
  /** Attempts of deliveries that failed, by id; forgotten by a restart. */
  readonly #failed = new Map<string, { attempts: number; sinceMs: number }>();

  constructor(options: DiskPipelineOptions) {
    this.#options = options;
    this.#letters = new DiskLetters(join(options.dir, 'deadletter'));
    this.#groups = new GroupTimers({
      release: options.alerting.release,
      store: (delivery) => this.#put(delivery),
      logger: options.logger,
    });
    this.#accepted = this.#open();
    this.#accepted.catch(() => undefined);
  }

  async accept(event: FluxEvent, id: string): Promise<void> {
    await (await this.#accepted).put({ event, id, at: Date.now() });
  }

  end(taken: Taken): Promise<void> {
    return this.#spread(taken);
  }

  async replay(request: ReplayRequest): Promise<ReplayResult> {
    let replayed = 0;
    for (const name of await this.#letters.names()) {
      const delivery = revived(await this.#letters.read(name), request, name);
      if (delivery === undefined) continue;
      if (replayed === maxReplayed || request.signal.aborted) return { replayed, more: true };
      await this.#put(delivery);
      await this.#letters.remove(name);
      replayed++;
    }
    return { replayed, more: false };
  }

  start(): void {
    this.#started.resolve();
    void this.#startGroups();
  }

  /** Groups that an earlier process began. */
  async #startGroups(): Promise<void> {
    try {
      for (const timer of await this.#options.alerting.waitingGroups()) this.#groups.start(timer);
    } catch (error) {
      const problem = { error: errorMessage(error) };
      this.#options.logger.error(problem, 'Groups that wait cannot be read and are not sent');
    }
  }

  async close(): Promise<void> {
    this.#started.resolve();
    await (await this.#accepted).close();
    await this.#groups.close();
    await Promise.all([...this.#providers.values()].map((outbox) => outbox.close()));
  }

  async #open(): Promise<Outbox<Accepted>> {
    const deliveries = join(this.#options.dir, 'deliveries');
    await mkdir(deliveries, { recursive: true, mode: 0o700 });
    for (const folder of await readdir(deliveries)) this.#provider(folder);
    return createOutbox<Accepted>({
      dir: join(this.#options.dir, 'accepted'),
      maxBytes: this.#options.maxBytes,
      isInformational: ({ event }) => event?.severity !== 'error',
      maxAttempts: maxEventAttempts,
      logger: this.#options.logger,
      metrics: this.#options.metrics,
      deliver: async ({ event, id, at = Date.now() }) => {
        await this.#started.promise;
        const checked = storedEvent(event);
        await withSpan('match alerts', { kind: 'consumer' }, () =>
          this.#spread({ event: checked, id, at }),
        );
      },
    });
  }

  /** Stores one delivery for each alert that wants the event. */
  async #spread(taken: Taken): Promise<void> {
    for (const delivery of await this.#options.alerting.spread(taken)) {
      if (delivery.timer) this.#groups.start(delivery);
      else await this.#put(delivery);
    }
  }

  async #put(delivery: Delivery): Promise<void> {
    const provider = `${delivery.alert.namespace}/${delivery.provider}`;
    await this.#provider(sha256Hex(provider).slice(0, 32)).put(delivery);
  }

  #provider(folder: string): Outbox<Delivery> {
    let outbox = this.#providers.get(folder);
    if (outbox === undefined) {
      const { dir, maxBytes, logger, retry } = this.#options;
      outbox = createOutbox<Delivery>({
        dir: join(dir, 'deliveries', folder),
        maxBytes,
        isInformational: ({ event }) => event.severity !== 'error',
        logger,
        minRetryDelayMs: retry.minDelayMs,
        maxRetryDelayMs: retry.maxDelayMs,
        deliver: (delivery, _id, signal) => this.#deliver(delivery, signal),
      });
      this.#providers.set(folder, outbox);
    }
    return outbox;
  }

  async #deliver(delivery: Delivery, signal: AbortSignal): Promise<void> {
    await this.#started.promise;
    if (!isDelivery(delivery)) throw new UnpublishableError('it is no delivery');
    const { attempt, retry, reporter, now = Date.now } = this.#options;
    const before = this.#failed.get(delivery.id) ?? { attempts: 0, sinceMs: now() };
    const attempts = before.attempts + 1;
    const ageMs = now() - before.sinceMs;
    const result = await attempt(delivery, { signal, ageMs });
    signal.throwIfAborted();
    reporter.attempted(delivery, result, attempts);
    if (result.type !== 'failed') {
      this.#failed.delete(delivery.id);
      return;
    }
    if (!givesUp(retry, { attempt: attempts, ageMs, permanent: result.permanent })) {
      this.#failed.set(delivery.id, { ...before, attempts });
      throw new Error(result.error);
    }
    const letter = deadLetter(delivery, { error: result.error, attempts, nowMs: now() });
    await this.#letters.keep(letter);
    this.#failed.delete(delivery.id);
    await this.#options.alerting.incidents.ended(delivery, { told: false });
    await reporter.givenUp(letter, result);
  }
}

/** What an older process stored may be no event by today's rules. */
function storedEvent(event: FluxEvent): FluxEvent {
  try {
    return checkEvent(event);
  } catch (error) {
    if (!(error instanceof InvalidEventError)) throw error;
    throw new UnpublishableError(`it is no event: ${error.message}`, { cause: error });
  }
}
