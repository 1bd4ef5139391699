import type { FluxEvent } from '@sluice/shared/api';
import { errorMessage, type Logger } from '@sluice/shared/base';
import { type Delivery, membersOf } from '../delivery/delivery.ts';
import type { AlertMemory, Place } from '../memory/memory.ts';
import {
  type Failure,
  type Incident,
  objectKey,
  withEnd,
  withEvent,
  withoutDelivery,
  withoutFailures,
} from './incident.ts';
import { recoversFrom } from './recovery.ts';

/** The failures that alerts have told of, or are about to, until their objects recover. */
export interface Incidents {
  /**
   * Notes that failures are on their way to their provider, or `held` back in a group; nothing for other deliveries.
   *
   * @throws Error when it cannot be stored now
   */
  opened(delivery: Delivery, o?: { held?: boolean }): Promise<void>;
  /** Notes that a delivery has ended: `told` when the service knows of the failure. Never throws. */
  ended(delivery: Delivery, o: { told: boolean; receipt?: string }): Promise<void>;
  /**
   * The failures that an event ends for an alert.
   *
   * @throws Error when they cannot be read now
   */
  endedBy(delivery: About, signal?: AbortSignal): Promise<Failure[]>;
  /**
   * Whether a delivery would come before the failures that it ends.
   *
   * @throws Error when they cannot be read now
   */
  isEarly(delivery: Delivery, signal?: AbortSignal): Promise<boolean>;
  /**
   * Notes that failures have ended, before that is told.
   *
   * @throws Error when it cannot be stored now
   */
  ending(about: About): Promise<void>;
  /**
   * Forgets failures of which nobody was told, and that an event has ended.
   *
   * @throws Error when it cannot be stored now
   */
  dropHeld(about: About): Promise<void>;
  /**
   * Forgets failures that an event has ended and whose end nobody is told.
   *
   * @throws Error when it cannot be stored now
   */
  forget(about: About): Promise<void>;
  /** Forgets failures whose end was told. Never throws. */
  resolved(delivery: Delivery): Promise<void>;
  /** The failure of a delivery as it is remembered. */
  failureOf(delivery: Delivery, signal?: AbortSignal): Promise<Failure | undefined>;
}

/** An event of an object, at a time, in the eyes of an alert. */
export type About = Pick<Delivery, 'alert' | 'event' | 'at'>;

/** Makes the record of failures; it keeps them in what alerts remember. */
export function createIncidents(
  memory: AlertMemory,
  o: { logger: Logger; now?: () => number },
): Incidents {
  const { logger, now = Date.now } = o;
  const close = (about: About, which: (failure: Failure) => boolean) => {
    const isEnded = isEndedBy(about);
    return memory.change<Incident>(placeOf(about), (incident) =>
      withoutFailures(incident, (failure) => isEnded(failure) && which(failure)),
    );
  };
  // What was delivered was, and must not be again for want of a note.
  const attempt = async (note: () => Promise<unknown>) => {
    try {
      await note();
    } catch (error) {
      logger.warn({ error: errorMessage(error) }, 'How a delivery ended is not remembered');
    }
  };
  return {
    async opened(delivery, { held = false } = {}) {
      for (const { event, id, at = now(), ...each } of membersOf(delivery)) {
        if (each.incident === undefined) continue;
        await memory.change<Incident>(placeOf({ ...each, event }), (incident) =>
          withEvent(incident, { event, at, id, held }),
        );
      }
    },
    async ended(delivery, { told, receipt }) {
      for (const each of membersOf(delivery)) {
        const { incident: key, id } = each;
        if (key === undefined) continue;
        const change = { key, id, ...(told && { toldAt: now() }), ...(receipt && { receipt }) };
        await attempt(() =>
          memory.change<Incident>(placeOf(each), (incident) => withoutDelivery(incident, change)),
        );
      }
    },
    async endedBy(about, signal) {
      const incident = await memory.read<Incident>(placeOf(about), signal);
      return incident?.failures.filter(isEndedBy(about)) ?? [];
    },
    async isEarly(delivery, signal) {
      for (const each of membersOf(delivery)) {
        if (each.recovers === undefined) continue;
        const incident = await memory.read<Incident>(placeOf(each), signal);
        const failures = incident?.failures.filter(isEndedBy(each)) ?? [];
        if (failures.some(({ waiting }) => waiting.length > 0)) return true;
      }
      return false;
    },
    async ending(about) {
      await memory.change<Incident>(placeOf(about), (incident) =>
        withEnd(incident, isEndedBy(about)),
      );
    },
    async dropHeld(about) {
      await close(about, ({ held }) => held === true);
    },
    async forget(about) {
      await close(about, () => true);
    },
    async resolved(delivery) {
      for (const each of membersOf(delivery)) {
        if (each.recovers === undefined) continue;
        await attempt(() => close(each, ({ toldAt }) => toldAt !== undefined));
      }
    },
    async failureOf(delivery, signal) {
      const incident = await memory.read<Incident>(placeOf(delivery), signal);
      return incident?.failures.find(({ key }) => key === delivery.incident);
    },
  };
}

function placeOf({ alert, event }: { alert: Place['alert']; event: FluxEvent }): Place {
  return { alert, what: 'incident', key: objectKey(event.involvedObject) };
}

/** A failure that came after the recovery is another one. */
function isEndedBy({ event, at = Number.POSITIVE_INFINITY }: About) {
  return (failure: Failure) => failure.at <= at && recoversFrom(event, failure.event.reason);
}
