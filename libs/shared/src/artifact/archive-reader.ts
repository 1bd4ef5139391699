import { Parser, type ReadEntry } from 'tar';
import { safePathParts, sortByPath, UnsafePathError } from './tree.ts';

/** What an archive may hold. */
export interface ArchiveLimits {
  /** Bytes after decompression. */
  maxBytes: number;
  /** Files and directories. */
  maxFiles: number;
  /**
   * What happens to links: the archive is refused; symbolic ones are left out; or all are files without content, which
   * is how Helm reads them in charts.
   */
  links?: 'refuse' | 'skip' | 'empty';
  /**
   * What happens when a file is there twice: the archive is refused, or, as Helm does with charts, the last one counts.
   * Of a file that Helm puts together from all, or of which it takes the first, all must be equal. In memory only.
   */
  repeated?: 'refuse' | 'chart';
}

/** Limits for artifacts and layers when the caller gives none. */
export const defaultArchiveLimits = {
  maxBytes: 1024 * 1024 * 1024,
  maxFiles: 100_000,
} satisfies ArchiveLimits;

/** Bytes that a tar may take, headers and padding included, whose files hold at most `maxBytes`. */
export function maxTarBytes(maxBytes: number): number {
  return 2 * maxBytes + 2 ** 20;
}

/** An archive that is refused as a whole; the message names the entry. */
export class ArchiveError extends Error {
  override name = 'ArchiveError';
}

/** Receives the members of an archive, each already checked. */
export interface ArchiveSink {
  directory(path: string): void;
  /** Starts a file; the returned function takes its content, and `undefined` at its end. */
  file(path: string, executable: boolean): (chunk: Buffer | undefined) => void;
}

/** Tar stores permissions as it likes; these bits would give rights to whoever runs the file. */
const specialBits = 0o7000;
const executableBits = 0o111;
/** Two blocks of zeros end an archive. */
const endBytes = 1024;
const fileTypes = ['File', 'OldFile', 'ContiguousFile'];
const linkTypes = ['SymbolicLink', 'Link'];

/**
 * Reads a tar stream and hands each member to a sink after checking it: nothing that leaves the root, no links,
 * devices or special permissions, no file twice unless told, within the limits. The first offence ends it.
 *
 * The library parses; the checks are ours, because it repairs or skips evil entries silently.
 */
export class ArchiveReader {
  readonly #limits: ArchiveLimits;
  readonly #sink: ArchiveSink;
  readonly #parser: Parser;
  readonly #files = new Set<string>();
  #failure: Error | undefined;
  #bytes = 0;
  /** Nothing but zeros so far: the end of an archive, maybe of one without entries. */
  #isBlank = true;
  /** The parser would keep, and copy with each chunk, whatever follows the end of the archive. */
  #isOver = false;
  #declared = 0;
  #members = 0;

  constructor(sink: ArchiveSink, limits: ArchiveLimits) {
    this.#sink = sink;
    this.#limits = limits;
    this.#parser = new Parser({
      strict: true,
      onReadEntry: (entry) => this.#guard(() => this.#accept(entry)),
    });
    this.#parser.on('error', (error: Error) => this.#fail(error.message));
    this.#parser.on('eof', () => {
      this.#isOver = true;
    });
    this.#parser.on('ignoredEntry', (entry: ReadEntry) =>
      this.#fail(`entry ${JSON.stringify(entry.path)} has the unsupported type ${entry.type}`),
    );
  }

  /** Number of files seen. */
  get files(): number {
    return this.#files.size;
  }

  /** Bytes of content seen. */
  get contentBytes(): number {
    return this.#declared;
  }

  /**
   * Takes the next decompressed bytes.
   *
   * @throws ArchiveError when the archive is refused
   */
  write(chunk: Buffer): void {
    this.#bytes += chunk.length;
    // Headers, padding and what follows the end count too: all of it had to be decompressed.
    if (this.#bytes > maxTarBytes(this.#limits.maxBytes)) this.#tooLarge();
    this.#isBlank &&= chunk.equals(Buffer.alloc(chunk.length));
    if (this.#failure === undefined && !this.#isOver) this.#guard(() => this.#parser.write(chunk));
    this.#throwFailure();
  }

  /**
   * Ends the archive.
   *
   * @throws ArchiveError when it is incomplete
   */
  end(): void {
    // The library takes an archive without entries for none at all.
    const isEmpty = this.#isBlank && this.#bytes >= endBytes;
    if (this.#failure === undefined && !isEmpty) this.#guard(() => this.#parser.end());
    this.#throwFailure();
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  #fail(why: string): void {
    this.#failure ??= new ArchiveError(`archive refused: ${why}`);
  }

  #tooLarge(): void {
    this.#fail(`it unpacks to more than ${this.#limits.maxBytes} bytes`);
  }

  #guard(fn: () => void): void {
    try {
      fn();
    } catch (error) {
      if (error instanceof UnsafePathError) this.#fail(`entry ${error.message}`);
      else this.#failure ??= error instanceof Error ? error : new Error(String(error));
    }
  }

  #accept(entry: ReadEntry): void {
    const sink = this.#failure === undefined ? this.#admit(entry) : undefined;
    if (sink === undefined) {
      entry.resume();
      return;
    }
    entry.on('data', (chunk: Buffer) => this.#guard(() => sink(chunk)));
    entry.on('end', () => this.#guard(() => sink(undefined)));
  }

  #admit(entry: ReadEntry): ((chunk: Buffer | undefined) => void) | undefined {
    const shown = JSON.stringify(entry.path);
    if (++this.#members > this.#limits.maxFiles) {
      this.#fail(`it has more than ${this.#limits.maxFiles} entries`);
      return undefined;
    }
    if (entry.type === 'SymbolicLink' && this.#limits.links === 'skip') return undefined;
    const isDirectory = entry.type === 'Directory';
    // With a size, other readers would take what follows for content, or not.
    const isEmptyLink =
      this.#limits.links === 'empty' && linkTypes.includes(entry.type) && entry.size === 0;
    if (!isDirectory && !isEmptyLink && !fileTypes.includes(entry.type)) {
      this.#fail(`entry ${shown} is a ${entry.type}, only files and directories are allowed`);
      return undefined;
    }
    const mode = entry.mode ?? 0;
    if (!isDirectory && (mode & specialBits) !== 0) {
      this.#fail(`entry ${shown} has setuid, setgid or sticky permissions`);
      return undefined;
    }
    this.#declared += entry.size;
    if (this.#declared > this.#limits.maxBytes) {
      this.#tooLarge();
      return undefined;
    }
    const path = this.#checkedPath(entry.path, isDirectory);
    if (isDirectory) {
      if (path !== '') this.#sink.directory(path);
      return undefined;
    }
    return this.#sink.file(path, !isEmptyLink && (mode & executableBits) !== 0);
  }

  /** Archives made with `tar -C dir .` name their entries `./a`, and the root itself. */
  #checkedPath(raw: string, isDirectory: boolean): string {
    let path = raw;
    while (path.startsWith('./')) path = path.slice(2).replace(/^\/+/, '');
    if (isDirectory) {
      path = path.replace(/\/+$/, '');
      if ((path === '' || path === '.') && !raw.startsWith('/')) return '';
    }
    const parts = safePathParts(path);
    const clean = parts.join('/');
    if (isDirectory) return clean;
    if (this.#files.has(clean) && this.#limits.repeated !== 'chart') {
      throw new ArchiveError(`archive refused: entry ${JSON.stringify(raw)} is there twice`);
    }
    this.#files.add(clean);
    return clean;
  }
}

/** A file of an archive held in memory. */
export interface MemoryFile {
  path: string;
  executable: boolean;
  content: Buffer;
}

/** Metadata of charts, and packed charts in them. */
const neverReplaced = /(?:^|\/)(?:Chart\.yaml|requirements\.yaml)$|\.tgz$/;

/** Collects the members of a small archive in memory. */
export class MemorySink implements ArchiveSink {
  readonly #files = new Map<string, MemoryFile>();

  directory(): void {}

  file(path: string, executable: boolean): (chunk: Buffer | undefined) => void {
    const chunks: Buffer[] = [];
    return (chunk) => {
      if (chunk !== undefined) chunks.push(chunk);
      else this.#add({ path, executable, content: Buffer.concat(chunks) });
    };
  }

  #add(file: MemoryFile): void {
    const before = this.#files.get(file.path);
    if (before && neverReplaced.test(file.path) && !before.content.equals(file.content)) {
      throw new ArchiveError(
        `archive refused: entry ${JSON.stringify(file.path)} is there twice, and not the same`,
      );
    }
    this.#files.set(file.path, file);
  }

  /** The files seen, in lexical order. */
  get files(): MemoryFile[] {
    return sortByPath([...this.#files.values()]);
  }
}
