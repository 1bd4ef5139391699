import type { Delivery } from '../delivery/delivery.ts';
import type { Note } from '../memory/memory.ts';
import { fit } from '../provider/fit.ts';

/** A delivery that waits in a group. */
export interface Member {
  /** With a short message. */
  delivery: Delivery;
  /** How often it came. */
  count: number;
}

/** What is to be sent together. */
export interface Batch {
  id: string;
  /** Both in milliseconds since the epoch; without `dueAt` it is sent at the end of the quiet hours. */
  openedAt: number;
  dueAt?: number;
  members: Member[];
  /** Those that had no room. */
  more: number;
}

/** The note of a group: one batch that takes in, and those being sent. */
export interface Group {
  open?: Batch;
  closing: Batch[];
  /** Ids of batches that were sent. */
  sent: string[];
}

/** Members that are listed, and characters of all of them: a message of the bus has 1 MiB. */
const maxMembers = 100;
const maxSize = 300_000;
const maxMessage = 1_000;
const maxSent = 20;
/** Quiet hours may follow each other; a day is enough to take the timer for lost. */
const maxQuietMs = 24 * 60 * 60_000;
const overdueMs = 5 * 60_000;

/**
 * Puts a delivery into the open batch, which it opens when there is none.
 *
 * @param o.countsRest one that has no room is counted; else the batch stays as it is
 */
export function withMember(
  group: Group | undefined,
  delivery: Delivery,
  { countsRest, ...o }: { openedAt: number; dueAt?: number; countsRest: boolean },
): Group {
  const open = group?.open ?? { id: batchId(delivery), members: [], more: 0, ...o };
  const base = { closing: group?.closing ?? [], sent: group?.sent ?? [] };
  const next = joined(open, delivery);
  return { ...base, open: next.more > open.more && !countsRest ? open : next };
}

/** Whether a delivery is in the open batch. */
export function isMember(group: Group | undefined, { key }: Delivery): boolean {
  return group?.open?.members.some(({ delivery }) => delivery.key === key) ?? false;
}

/**
 * The timer that a delivery has to start: for the batch that it opened, or for one that is long overdue, as when the
 * timers were lost with their stream.
 */
export function timerFor(
  { open }: Group,
  delivery: Delivery,
  o: { key: string; nowMs: number },
): Delivery | undefined {
  if (open === undefined) return undefined;
  const timer = { group: o.key, batch: open.id };
  if (open.id === batchId(delivery)) return { ...delivery, id: `${open.id}:timer`, timer };
  const lateMs = o.nowMs - (open.dueAt ?? open.openedAt + maxQuietMs);
  if (lateMs < overdueMs) return undefined;
  const turn = Math.floor(lateMs / overdueMs);
  return { ...delivery, id: `${open.id}:timer:${turn}`, timer };
}

/** The timers of all batches of a group, by its note. */
export function timersOf({ place, value: { open, closing } }: Note<Group>): Delivery[] {
  return [...(open ? [open] : []), ...closing].flatMap(({ id, members }) => {
    const [first] = members;
    if (first === undefined) return [];
    const timer = { group: place.key, batch: id };
    return [{ ...first.delivery, id: `${id}:timer`, timer }];
  });
}

function batchId({ id }: Delivery): string {
  return `${id}:group`;
}

function joined(batch: Batch, delivery: Delivery): Batch {
  const known = batch.members.findIndex((member) => member.delivery.key === delivery.key);
  const before = batch.members[known];
  if (before !== undefined) {
    // The same event again, after a process ended on the way.
    if (before.delivery.id === delivery.id) return batch;
    const members = batch.members.with(known, { ...before, count: before.count + 1 });
    return { ...batch, members };
  }
  const { event } = delivery;
  const short = { ...delivery, event: { ...event, message: fit(event.message, maxMessage) } };
  const members = [...batch.members, { delivery: short, count: 1 }];
  const isFull = members.length > maxMembers || JSON.stringify(members).length > maxSize;
  return isFull && batch.members.length > 0
    ? { ...batch, more: batch.more + 1 }
    : { ...batch, members };
}

/** Closes the open batch, so that what comes now is in another one. */
export function closed(group: Group | undefined, id: string): Group | undefined {
  if (group?.open?.id !== id) return undefined;
  const { open, closing, sent } = group;
  return { closing: [...closing, open], sent };
}

/** Notes that a batch is on its way. */
export function sent(group: Group | undefined, id: string): Group | undefined {
  if (group === undefined) return undefined;
  const closing = group.closing.filter((batch) => batch.id !== id);
  return { ...group, closing, sent: [...group.sent, id].slice(-maxSent) };
}
