import type { Alert, KubeObject } from '@sluice/shared/api';
import {
  type Clock,
  errorMessage,
  jitter,
  type Logger,
  mapConcurrently,
  sha256Hex,
  systemClock,
} from '@sluice/shared/base';
import { gvkOf, isNotFound, type KubeClient, keyOf } from '@sluice/shared/kube';
import type { Taken } from '../delivery/spread.ts';
import type { AlertMemory, AlertNote } from '../memory/memory.ts';
import { type Incident, objectKey } from './incident.ts';
import { type FailedObject, unsaidEnd } from './unsaid-end.ts';

export interface IncidentWatchOptions {
  client: KubeClient;
  memory: Pick<AlertMemory, 'follow'>;
  /** The present alerts, by `namespace/name`: what others remember ends for nobody. */
  alertOf: (key: string) => Alert | undefined;
  /** Tells the alerts of what has ended. */
  tell: (taken: Taken) => Promise<void>;
  /** Milliseconds between two looks at an object that failed lately. */
  intervalMs: number;
  logger: Logger;
  clock?: Clock;
}

/** What is kept of a note. */
interface Brief extends FailedObject {
  alert: string;
}

const requests = 4;
/** The longer an object has failed, the rarer it is looked at: after this part of that time, or so many intervals. */
const ageShare = 0.1;
const maxIntervals = 10;
const jitterPercentage = 20;
/** Milliseconds after which an end is told again if the notes have the failure all the same. */
const againMs = 60 * 60_000;

/**
 * Ends failures that alerts have told of and whose end no event tells: of objects that become Ready without an action,
 * and of those that are deleted. It reads these objects from time to time.
 */
export class IncidentWatch {
  readonly #options: IncidentWatchOptions;
  readonly #clock: Clock;
  /** When to look at what next, in milliseconds since the epoch, by object and its failures. */
  #due = new Map<string, number>();

  constructor(options: IncidentWatchOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  /** Watches until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { memory, intervalMs } = this.#options;
    const notes = memory.follow<Incident, Brief | undefined>('incident', brief);
    try {
      while (!signal.aborted) {
        const pause = this.#clock.sleep(jitter(intervalMs, jitterPercentage), signal);
        await pause.catch(() => undefined);
        const known = signal.aborted ? undefined : await this.#known(() => notes.list());
        if (known !== undefined) await this.#look(known);
      }
    } finally {
      await notes.close();
    }
  }

  async #known(list: () => Promise<(Brief | undefined)[] | undefined>) {
    const { alertOf, logger } = this.#options;
    const notes = await list().catch((error: unknown) => {
      logger.warn({ error: errorMessage(error) }, 'What alerts have told of cannot be read');
      return undefined;
    });
    return notes?.filter((note) => note !== undefined).filter(({ alert }) => alertOf(alert));
  }

  async #look(notes: readonly Brief[]): Promise<void> {
    const due = new Map<string, number>();
    const objects = [...failedObjects(notes)];
    await mapConcurrently(objects, requests, async (failed) => {
      const id = idOf(failed);
      const nowMs = this.#clock.now();
      const next = this.#due.get(id);
      if (next !== undefined && next > nowMs) {
        due.set(id, next);
        return;
      }
      const hasEnded = await this.#lookAt(failed, { id, nowMs });
      due.set(id, nowMs + (hasEnded ? againMs : this.#waitMs(failed, nowMs)));
    });
    this.#due = due;
  }

  #waitMs({ failures }: FailedObject, nowMs: number): number {
    const { intervalMs } = this.#options;
    const sinceMs = nowMs - Math.max(...failures.map(({ at }) => at));
    return Math.min(sinceMs * ageShare, intervalMs * maxIntervals);
  }

  async #lookAt(failed: FailedObject, o: { id: string; nowMs: number }): Promise<boolean> {
    const { tell, logger } = this.#options;
    try {
      const end = unsaidEnd(failed, await this.#read(failed.object), o.nowMs);
      if (end === undefined) return false;
      await tell({ ...end, id: o.id, isUnsaid: true });
      logger.info(
        { object: objectKey(failed.object), reason: end.event.reason },
        'Failures of an object are over without an event',
      );
      return true;
    } catch (error) {
      const problem = { error: errorMessage(error), object: objectKey(failed.object) };
      logger.debug(problem, 'What became of an object that failed is not known now');
      return false;
    }
  }

  async #read({ apiVersion = '', kind, namespace, name }: FailedObject['object']) {
    const { client } = this.#options;
    const resource = await client.mapper.resourceFor(gvkOf({ apiVersion, kind }));
    try {
      return await client.get<KubeObject>(resource, { namespace, name });
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }
}

function brief({ alert, value: { failures } }: AlertNote<Incident>): Brief | undefined {
  const newest = failures.at(-1);
  if (newest === undefined) return undefined;
  return {
    alert: keyOf(alert),
    object: newest.event.involvedObject,
    failures: failures.map(({ event: { reason, timestamp }, at }) => ({
      reason,
      at,
      saidAt: Date.parse(timestamp),
    })),
  };
}

/** Each object once, with what all alerts know of it. */
function failedObjects(notes: readonly Brief[]): Iterable<FailedObject> {
  const objects = new Map<string, FailedObject>();
  for (const { object, failures } of notes) {
    const key = objectKey(object);
    const before = objects.get(key);
    const all = [...(before?.failures ?? []), ...failures];
    const isNewer = newestOf(failures) >= newestOf(before?.failures ?? []);
    objects.set(key, { object: before && !isNewer ? before.object : object, failures: all });
  }
  return objects.values();
}

function newestOf(failures: readonly { at: number }[]): number {
  return Math.max(0, ...failures.map(({ at }) => at));
}

/** The same for the same failures, so that their end is told once, and another for what is left of them. */
function idOf({ object, failures }: FailedObject): string {
  const told = failures.map(({ reason, at }) => `${reason}@${at}`).sort();
  const facts = [objectKey(object), object.uid, told];
  return `ended-${sha256Hex(JSON.stringify(facts)).slice(0, 32)}`;
}
