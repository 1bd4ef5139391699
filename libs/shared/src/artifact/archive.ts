/** A file of the archive. */
export interface ArchivedFile {
  /** Path below the root of the storage. */
  name: string;
  /** When it was made, in milliseconds since the epoch. */
  storedAt: number;
  /** Size. */
  bytes: number;
}

/** Where the files of a storage are kept besides its disk, so that they outlive it. */
export interface ArtifactArchive {
  /** Stores a file under a name, in place of what was there; rejects when the archive does not take it now. */
  put(name: string, file: string): Promise<void>;
  /**
   * Writes what is archived to a new file; rejects when the archive does not answer now.
   *
   * @returns undefined when there is none, or not all of it
   */
  get(name: string, file: string): Promise<ArchivedFile | undefined>;
  /** Lists everything; rejects when the archive does not answer now. */
  list(): Promise<ArchivedFile[]>;
  /** Removes a file if there is one; rejects at once when the archive is away. */
  remove(name: string): Promise<void>;
  /** Calls the listener each time that the archive comes into reach, and at once when it is. Returns how to stop that. */
  onReady(listener: () => void): () => void;
}
