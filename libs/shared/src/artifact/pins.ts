import type { SupersededFile } from './superseded-files.ts';

/** Says which artifacts somebody still needs although newer ones exist. */
export interface ArtifactPins {
  /** Whether all that are needed are known; while they are not, nothing is removed. */
  isCurrent(): boolean;
  /** The paths of the needed artifacts in an object's directory. */
  of(ownerPath: string): ReadonlySet<string>;
}

/** What is kept of one namespace for those who need it. */
const maxFiles = 10;
const maxBytes = 1024 * 1024 * 1024;

interface KeptFile extends SupersededFile {
  ownerPath: string;
}

/** Limits what pins keep, in each namespace, to the newest files. */
export class PinBudget {
  readonly #kept = new Map<string, KeptFile[]>();

  /**
   * Says which of an object's superseded files are kept for those who need them, counting those of other objects of its
   * namespace.
   *
   * @param needed paths; none when undefined
   * @returns their names
   */
  admit(
    ownerPath: string,
    superseded: readonly SupersededFile[],
    needed: ReadonlySet<string> | undefined,
  ): Set<string> {
    const namespace = ownerPath.split('/')[1] ?? '';
    const isOwn = (file: KeptFile) => file.ownerPath === ownerPath;
    const others = (this.#kept.get(namespace) ?? []).filter((file) => !isOwn(file));
    const own = superseded
      .filter(({ name }) => needed?.has(`${ownerPath}/${name}`))
      .map((file) => ({ ...file, ownerPath }));
    const newestFirst = [...others, ...own].sort((a, b) => b.mtimeMs - a.mtimeMs);
    let bytes = 0;
    const kept = newestFirst.slice(0, maxFiles).filter((file) => {
      bytes += file.bytes;
      return bytes <= maxBytes;
    });
    if (kept.length === 0) this.#kept.delete(namespace);
    else this.#kept.set(namespace, kept);
    return new Set(kept.filter(isOwn).map(({ name }) => name));
  }
}
