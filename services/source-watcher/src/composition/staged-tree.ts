import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { posix } from 'node:path';
import { createIgnore, safePathParts, type TreeEntry } from '@sluice/shared/artifact';
import { BudgetError } from '@sluice/shared/base';
import { CompositionError } from './composition-error.ts';

/** A file of an artifact that is being composed. */
export interface StagedFile {
  executable: boolean;
  /** Bytes of the content. */
  size: number;
  /** The content, or the path of the file that holds it. */
  content: Buffer | string;
}

/** What an artifact may hold. */
export interface StagedLimits {
  maxBytes: number;
  maxFiles: number;
}

/** What file systems take, so that whoever unpacks the artifact can. */
const maxNameBytes = 255;
const maxPathBytes = 4096;

/**
 * The files of an artifact before it is packed. It is no directory on the disk: a path cannot lead out of it, and links
 * do not exist.
 */
export class StagedTree {
  readonly #limits: StagedLimits;
  readonly #files = new Map<string, StagedFile>();
  readonly #directories = new Set<string>(['']);
  #bytes = 0;

  constructor(limits: StagedLimits) {
    this.#limits = limits;
  }

  /** What may still be added. */
  get left(): StagedLimits {
    return {
      maxBytes: this.#limits.maxBytes - this.#bytes,
      maxFiles: this.#limits.maxFiles - this.#files.size,
    };
  }

  isDirectory(path: string): boolean {
    return this.#directories.has(cleanPath(path));
  }

  file(path: string): StagedFile | undefined {
    return this.#files.get(cleanPath(path));
  }

  /**
   * Makes a directory and those above it; what is there stays.
   *
   * @throws CompositionError when a file is in the way
   */
  addDirectory(path: string): void {
    const clean = cleanPath(path);
    if (this.#directories.has(clean)) return;
    if (this.#files.has(clean)) {
      throw new CompositionError(`'${clean}' is a file already, and cannot be a directory`);
    }
    this.addDirectory(posix.dirname(clean));
    this.#directories.add(clean);
  }

  /**
   * Puts a file in place of whatever file is there.
   *
   * @throws CompositionError when a directory is in the way; BudgetError when the artifact would hold too much
   */
  addFile(path: string, file: StagedFile): void {
    const clean = cleanPath(path);
    if (this.#directories.has(clean)) {
      throw new CompositionError(`'${clean}' is a directory already, and cannot be a file`);
    }
    this.addDirectory(posix.dirname(clean));
    this.#bytes += file.size - (this.#files.get(clean)?.size ?? 0);
    this.#files.set(clean, file);
    if (this.#bytes > this.#limits.maxBytes) {
      throw new BudgetError(
        `the artifact holds more than ${this.#limits.maxBytes} bytes, the limit of --artifact-max-size: copy less, or leave files out with exclude`,
      );
    }
    if (this.#files.size > this.#limits.maxFiles) {
      throw new BudgetError(
        `the artifact holds more than ${this.#limits.maxFiles} files: copy less, or leave files out with exclude`,
      );
    }
  }

  /** Returns the files to pack: as in the artifacts of sources, version control, pictures, archives and CI files stay out. */
  entries(): TreeEntry[] {
    const isIgnored = createIgnore({ sourceignoreFiles: [] });
    return [...this.#files]
      .filter(([path]) => !isIgnored(path, false))
      .map(([path, { executable, size, content }]) => {
        if (typeof content !== 'string') return { path, executable, size, read: () => content };
        return {
          path,
          executable,
          size,
          read: () => readFile(content),
          stream: () => createReadStream(content, { highWaterMark: 2 ** 18 }),
        };
      });
  }
}

/** @throws CompositionError when the path leads out, or no file system would take it */
function cleanPath(path: string): string {
  const normal = posix.normalize(path).replace(/\/$/, '');
  if (normal === '.' || normal === '') return '';
  try {
    const parts = safePathParts(normal);
    const isLong = parts.some((part) => Buffer.byteLength(part) > maxNameBytes);
    if (!isLong && Buffer.byteLength(normal) <= maxPathBytes) return normal;
  } catch (cause) {
    throw new CompositionError(`'${path}' is no path inside of the artifact`, { cause });
  }
  throw new CompositionError(`the path '${normal.slice(0, 100)}…' is too long for a file system`);
}
