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
}

/** A name for a key that is safe in subjects and file names. */
export function keyName(key: string): string {
  return sha256Hex(key).slice(0, 32);
}
