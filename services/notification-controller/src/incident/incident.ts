import type { FluxEvent } from '@sluice/shared/api';
import { sha256Hex } from '@sluice/shared/base';
import { fit } from '../provider/fit.ts';

/** A failure of an object in the eyes of one alert: what is told of once, and resolved once. */
export interface Failure {
  /** What makes two events the same failure: their reason and metadata. */
  key: string;
  /** The newest event, with a short message; as much as resolving it needs. */
  event: FluxEvent;
  /** When the newest event was taken in, in milliseconds since the epoch. */
  at: number;
  /** Waits in a group, so that nobody knows of it yet. */
  held?: boolean;
  /** Ids of deliveries under way. */
  waiting: string[];
  /** When it was last told, in milliseconds since the epoch. */
  toldAt?: number;
  /** What the service calls it. */
  receipt?: string;
  /** It has ended, which is about to be told; what comes now is another one. */
  over?: boolean;
}

/** The failures of an object that have not ended, in the order of their newest events. */
export interface Incident {
  failures: Failure[];
}

const maxFailures = 20;
const maxWaiting = 50;
const maxMessage = 1_000;
/** Characters of an event that is remembered; one with more metadata is told but not remembered. */
const maxEvent = 16 * 1024;

/** Identifies a failure among those of its object: the same for events with the same reason and metadata. */
export function failureKey({ reason, metadata = {} }: FluxEvent): string {
  const facts = Object.entries(metadata).sort(([a], [b]) => (a < b ? -1 : 1));
  return sha256Hex(JSON.stringify([reason, facts])).slice(0, 32);
}

/** The note's key: the object. */
export function objectKey({ kind, namespace = '', name }: FluxEvent['involvedObject']): string {
  return `${kind}/${namespace}/${name}`;
}

/** An event as it is remembered; undefined when it is too large for that. */
export function rememberedEvent(event: FluxEvent): FluxEvent | undefined {
  const short = { ...event, message: fit(event.message, maxMessage) };
  return JSON.stringify(short).length > maxEvent ? undefined : short;
}

/** Notes that an event of a failure is on its way, or is held back. */
export function withEvent(
  incident: Incident | undefined,
  o: { event: FluxEvent; at: number; id: string; held: boolean },
): Incident | undefined {
  const event = rememberedEvent(o.event);
  if (event === undefined) return undefined;
  const key = failureKey(o.event);
  const failures = incident?.failures ?? [];
  const known = failures.find((failure) => failure.key === key);
  const waiting = o.held || known?.waiting.includes(o.id) ? [] : [o.id];
  const next: Failure = {
    ...known,
    key,
    event,
    at: Math.max(o.at, known?.at ?? 0),
    waiting: [...(known?.waiting ?? []), ...waiting].slice(-maxWaiting),
  };
  delete next.over;
  // Once it is on its way, holding back others of its kind changes nothing.
  if (o.held && next.waiting.length === 0 && next.toldAt === undefined) next.held = true;
  else delete next.held;
  const others = failures.filter((failure) => failure.key !== key);
  return { failures: [...others, next].slice(-maxFailures) };
}

/** Notes that a delivery has ended: with `toldAt` the service knows of the failure. */
export function withoutDelivery(
  incident: Incident | undefined,
  o: { key: string; id: string; toldAt?: number; receipt?: string },
): Incident | null | undefined {
  const failure = incident?.failures.find(({ key }) => key === o.key);
  if (incident === undefined || failure === undefined) return undefined;
  const next: Failure = {
    ...failure,
    waiting: failure.waiting.filter((id) => id !== o.id),
    ...(o.toldAt !== undefined && { toldAt: o.toldAt }),
    ...(o.receipt !== undefined && { receipt: o.receipt }),
  };
  return replaced(incident, o.key, isOpen(next) ? next : undefined);
}

/** Notes that failures have ended, which is about to be told. */
export function withEnd(
  incident: Incident | undefined,
  ended: (failure: Failure) => boolean,
): Incident | undefined {
  if (incident === undefined) return undefined;
  const { failures } = incident;
  return { failures: failures.map((each) => (ended(each) ? { ...each, over: true } : each)) };
}

/** Drops failures that have ended. */
export function withoutFailures(
  incident: Incident | undefined,
  ended: (failure: Failure) => boolean,
): Incident | null | undefined {
  if (incident === undefined) return undefined;
  const failures = incident.failures.filter((failure) => !ended(failure));
  if (failures.length === incident.failures.length) return undefined;
  return failures.length === 0 ? null : { failures };
}

function isOpen({ waiting, toldAt, held }: Failure): boolean {
  return held === true || waiting.length > 0 || toldAt !== undefined;
}

function replaced(incident: Incident, key: string, next: Failure | undefined): Incident | null {
  const failures = incident.failures.flatMap((failure) => {
    if (failure.key !== key) return [failure];
    return next === undefined ? [] : [next];
  });
  return failures.length === 0 ? null : { failures };
}
