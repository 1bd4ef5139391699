import type { AlertMemory, AlertNote, Note, Place } from '../src/memory/memory.ts';

const nameOf = ({ alert, what, key }: Place) => `${what}/${alert.namespace}/${alert.name}/${key}`;

/** What alerts remember, for the time of a test. */
export function notesInMemory(): AlertMemory {
  const notes = new Map<string, Note<unknown>>();
  const all = <T>(what: Place['what']) =>
    [...notes.values()].filter(({ place }) => place.what === what) as Note<T>[];
  return {
    read: async <T>(place: Place) => notes.get(nameOf(place))?.value as T | undefined,
    async change<T>(place: Place, change: (present: T | undefined) => T | null | undefined) {
      const present = notes.get(nameOf(place))?.value as T | undefined;
      const value = change(present);
      if (value === undefined) return present;
      if (value === null) notes.delete(nameOf(place));
      else notes.set(nameOf(place), { place, value: structuredClone(value) });
      return value ?? undefined;
    },
    all: async <T>(what: Place['what']) => all<T>(what),
    follow: <T, S>(what: Place['what'], brief: (note: AlertNote<T>) => S) => ({
      list: async () => all<T>(what).map(({ place: { alert }, value }) => brief({ alert, value })),
      close: async () => undefined,
    }),
  };
}
