import type { TreeEntry } from '@sluice/shared/artifact';
import { PackError } from '../adapters/git/pack-error.ts';
import { defaultPackLimits, type PackLimits, PackReader } from '../adapters/git/pack-reader.ts';
import { openPack, type PackSource, type StoredPack } from '../adapters/git/pack-source.ts';
import {
  defaultTreeLimits,
  type GitLink,
  listTree,
  type TreeLimits,
} from '../adapters/git/tree.ts';

/** What reading a repository, and its submodules with it, may cost. */
export interface RepositoryLimits {
  pack: PackLimits;
  tree: TreeLimits;
}

/** Limits for a thread of its own. */
export const defaultRepositoryLimits: RepositoryLimits = {
  pack: defaultPackLimits,
  tree: defaultTreeLimits,
};

/** Content of a repository. */
export interface Content {
  entries: TreeEntry[];
  submodules: GitLink[];
}

/** Packs that are read together, within the limits of one. */
export class OpenPacks {
  readonly #sources: PackSource[] = [];
  readonly #pack: PackLimits;
  readonly #tree: TreeLimits;

  /**
   * @param o.count how many will be opened: they share what may be kept in memory
   * @param o.maxObjectBytes most bytes of one object, in place of that of the limits
   */
  constructor(limits: RepositoryLimits, o: { count: number; maxObjectBytes?: number }) {
    const { maxObjectBytes = limits.pack.maxObjectBytes } = o;
    const cacheBytes = Math.floor(limits.pack.cacheBytes / o.count);
    this.#pack = { ...limits.pack, maxObjectBytes, cacheBytes };
    this.#tree = { ...limits.tree };
  }

  /** @throws PackError when it is damaged; BudgetError when all together are over a limit */
  async open(stored: StoredPack): Promise<PackReader> {
    const source = openPack(stored);
    this.#sources.push(source);
    const pack = await PackReader.open(source, { ...this.#pack });
    this.#pack.maxObjects -= pack.size;
    this.#pack.maxTotalBytes -= pack.totalBytes;
    return pack;
  }

  /**
   * Lists the files below a tree.
   *
   * @param base directory that all paths begin with; empty for none
   * @throws as {@link listTree}
   */
  async list(pack: PackReader, tree: string, base = ''): Promise<Content> {
    const { files, submodules, entries, pathChars } = await listTree(pack, tree, this.#tree, base);
    this.#tree.maxEntries -= entries;
    this.#tree.maxPathChars -= pathChars;
    return {
      entries: files.map(({ path, executable, oid }) => ({
        path,
        executable,
        size: pack.sizeOf(oid),
        read: () => contentOf(pack, oid),
      })),
      submodules,
    };
  }

  close(): void {
    for (const source of this.#sources) source.close();
  }
}

function contentOf(pack: PackReader, oid: string): Buffer {
  const { type, content } = pack.get(oid);
  if (type !== 'blob') throw new PackError(`object ${oid} is a ${type}, not a file`);
  return content;
}
