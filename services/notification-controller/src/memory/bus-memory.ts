import { backoff, systemClock } from '@sluice/shared/base';
import {
  alertingSubject,
  alertingSubjects,
  type Bus,
  decodeToken,
  follow,
  lastMessage,
  OvertakenError,
} from '@sluice/shared/bus';
import { KeyedQueue } from '../delivery/keyed-queue.ts';
import { type AlertMemory, type AlertNote, keyName, type NoteList, type Place } from './memory.ts';

/** Others that come first, one after the other, before it is an error. */
const maxRaces = 50;
const raceDelay = { minMs: 5, maxMs: 200 };

/**
 * Keeps notes in a stream with the last message of each subject. A note is stored only as the successor of the one
 * that it was made of, so that replicas agree.
 */
export function busMemory(bus: Bus): AlertMemory {
  const turns = new KeyedQueue();
  const subjectOf = ({ alert, what, key }: Place) =>
    alertingSubject(bus.prefix, alert, { what, key: keyName(key) });
  return {
    async read<T>(place: Place, signal?: AbortSignal) {
      const last = await lastMessage(bus, 'alerting', subjectOf(place), signal);
      return (last?.data ?? undefined) as T | undefined;
    },
    change<T>(place: Place, change: (present: T | undefined) => T | null | undefined) {
      const subject = subjectOf(place);
      return turns.run(subject, () => replace(bus, subject, change));
    },
    all: async () => [],
    follow: (what, brief) => followNotes(bus, what, brief),
  };
}

function followNotes<T, S>(
  bus: Bus,
  what: Place['what'],
  brief: (note: AlertNote<T>) => S,
): NoteList<S> {
  const notes = new Map<string, S>();
  const following = follow(bus, {
    stream: 'alerting',
    filterSubject: alertingSubjects(bus.prefix, what),
    onReset: () => notes.clear(),
    onMessage: ({ subject, data }) => {
      const value = noteIn<T>(data);
      if (value === undefined) notes.delete(subject);
      else notes.set(subject, brief({ alert: alertIn(subject), value }));
    },
  });
  return {
    list: async () => (following.isCurrent() ? [...notes.values()] : undefined),
    close: () => following.close(),
  };
}

/** What a later version wrote is not for this one. */
function noteIn<T>(data: () => unknown): T | undefined {
  try {
    return (data() ?? undefined) as T | undefined;
  } catch {
    return undefined;
  }
}

function alertIn(subject: string): Place['alert'] {
  const [namespace = '', name = ''] = subject.split('.').slice(-4).map(decodeToken);
  return { namespace, name };
}

async function replace<T>(
  bus: Bus,
  subject: string,
  change: (present: T | undefined) => T | null | undefined,
): Promise<T | undefined> {
  for (let race = 0; ; race++) {
    const last = await lastMessage(bus, 'alerting', subject);
    const present = (last?.data ?? undefined) as T | undefined;
    const next = change(present);
    if (next === undefined || (next === null && present === undefined)) return present;
    try {
      // An id of its own: the sequence alone says whether it is in time.
      const id = crypto.randomUUID();
      await bus.publish({ subject, data: next, id, after: last?.sequence ?? 0 });
      return next ?? undefined;
    } catch (error) {
      if (!(error instanceof OvertakenError) || race >= maxRaces) throw error;
      await systemClock.sleep(backoff({ attempt: race, ...raceDelay }));
    }
  }
}
