import { sha256Hex } from '@sluice/shared/base';

/** What an alert remembers of something. */
export interface Place {
  alert: { namespace: string; name: string };
  /** The kind of note: failures of an object, a group that waits, a threshold. */
  what: 'incident' | 'group' | 'threshold';
  /** Which one, of any length. */
  key: string;
}

/** A note and where it is. */
export interface Note<T> {
  place: Place;
  value: T;
}

/** A note, and whose it is. */
export interface AlertNote<T> {
  alert: Place['alert'];
  value: T;
}

/** Notes of one kind, each as what was made of it. */
export interface NoteList<S> {
  /** As they are; undefined while that is not known. */
  list(): Promise<S[] | undefined>;
  close(): Promise<void>;
}

/** What alerts remember beyond one delivery and one process. */
export interface AlertMemory {
  /**
   * Reads a note; undefined when there is none.
   *
   * @throws Error when it cannot be read now
   */
  read<T>(place: Place, signal?: AbortSignal): Promise<T | undefined>;
  /**
   * Replaces a note by what is made of the present one, as one step before all other processes: `change` is called
   * again when another one was faster. It returns `null` to forget the note and undefined to leave it as it is.
   *
   * @returns the note as it is then
   * @throws Error when it cannot be stored now
   */
  change<T>(
    place: Place,
    change: (present: T | undefined) => T | null | undefined,
  ): Promise<T | undefined>;
  /** The notes of one kind, where this process alone has them; on the bus nobody lists them. */
  all<T>(what: Place['what']): Promise<Note<T>[]>;
  /**
   * Follows the notes of one kind of all processes that share them.
   *
   * @param brief what is kept of each; it must not throw
   */
  follow<T, S>(what: Place['what'], brief: (note: AlertNote<T>) => S): NoteList<S>;
}

/** A name for a key that is safe in subjects and file names. */
export function keyName(key: string): string {
  return sha256Hex(key).slice(0, 32);
}
