import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { KeyedQueue } from '../delivery/keyed-queue.ts';
import {
  type AlertMemory,
  type AlertNote,
  keyName,
  type Note,
  type NoteList,
  type Place,
} from './memory.ts';

const maxAgeMs = 30 * 24 * 60 * 60_000;
/** Notes of one kind; the oldest go first. */
const maxNotes = 20_000;
/** Changes of notes between two looks at how many there are. */
const sweepEvery = 1_000;

/** Keeps each note in a file below a folder, for installations without NATS, where replicas share nothing. */
export function diskMemory(dir: string): AlertMemory {
  const turns = new KeyedQueue();
  let changes = 0;
  const fileOf = ({ alert, what, key }: Place) =>
    join(dir, what, `${keyName(`${alert.namespace}/${alert.name}/${key}`)}.json`);
  const store = async <T>(place: Place, value: T | null) => {
    const file = fileOf(place);
    if (value === null) return rm(file, { force: true });
    await mkdir(join(dir, place.what), { recursive: true, mode: 0o700 });
    await writeFile(`${file}.tmp`, JSON.stringify({ place, value }), { mode: 0o600 });
    await rename(`${file}.tmp`, file);
    if (changes++ % sweepEvery === 0) await sweep(join(dir, place.what));
  };
  const all = async <T>(what: Place['what']) => {
    const files = (await filesIn(join(dir, what))).map((name) => join(dir, what, name));
    const notes = await Promise.all(files.map((file) => noteIn<T>(file)));
    return notes.filter((note) => note !== undefined);
  };
  return {
    read: async <T>(place: Place) => (await noteIn<T>(fileOf(place)))?.value,
    change<T>(place: Place, change: (present: T | undefined) => T | null | undefined) {
      return turns.run(fileOf(place), async () => {
        const present = (await noteIn<T>(fileOf(place)))?.value;
        const next = change(present);
        if (next === undefined) return present;
        await store(place, next);
        return next ?? undefined;
      });
    },
    all,
    follow<T, S>(what: Place['what'], brief: (note: AlertNote<T>) => S): NoteList<S> {
      return {
        list: async () =>
          (await all<T>(what)).map(({ place: { alert }, value }) => brief({ alert, value })),
        close: async () => undefined,
      };
    },
  };
}

/** What is no note, as after a disk was full, counts as none. */
async function noteIn<T>(file: string): Promise<Note<T> | undefined> {
  try {
    const note = JSON.parse(await readFile(file, 'utf8')) as Note<T> | null;
    return note?.place === undefined ? undefined : note;
  } catch (error) {
    if (error instanceof SyntaxError || isMissing(error)) return undefined;
    throw error;
  }
}

async function filesIn(dir: string): Promise<string[]> {
  try {
    return (await readdir(dir)).filter((name) => name.endsWith('.json'));
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT';
}

/** Removes notes that are old or too many. */
async function sweep(dir: string): Promise<void> {
  const files = await Promise.all(
    (await filesIn(dir)).map(async (name) => {
      const file = join(dir, name);
      const info = await stat(file).catch(() => undefined);
      return { file, at: info?.mtimeMs ?? 0 };
    }),
  );
  files.sort((a, b) => b.at - a.at);
  const old = files.filter(({ at }, index) => index >= maxNotes || Date.now() - at > maxAgeMs);
  await Promise.all(old.map(({ file }) => rm(file, { force: true })));
}
