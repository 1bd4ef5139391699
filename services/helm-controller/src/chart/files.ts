import { ArchiveError, type MemoryFile, readArchiveHere } from '@sluice/shared/artifact';

/** What a chart may hold, everything that is packed inside it included. */
export interface ChartLimits {
  /** Bytes after decompression. */
  maxBytes: number;
  maxFiles: number;
}

/** Helm reads no more than 100 MiB; the number of files is a bound of our own. */
export const chartLimits: ChartLimits = { maxBytes: 100 * 1024 * 1024, maxFiles: 20_000 };

/** A file of a chart, by its path below the chart. */
export interface ChartFile {
  path: string;
  content: Buffer;
}

const byteOrderMark = Buffer.from([0xef, 0xbb, 0xbf]);

/** Counts what a chart and the archives inside it unpack to. */
export class ChartBudget {
  readonly #limits: ChartLimits;
  #bytes = 0;
  #files = 0;

  constructor(limits: ChartLimits) {
    this.#limits = limits;
  }

  /**
   * Reads a packaged chart.
   *
   * @returns its directory's name and its files, in lexical order, with paths below that directory
   * @throws ArchiveError when an entry is refused, it is no chart, or all archives together exceed the limits
   */
  read(archive: Buffer): { directory: string; files: ChartFile[] } {
    const { maxBytes, maxFiles } = this.#limits;
    const files = readArchiveHere(archive, {
      ...this.#limits,
      repeated: 'chart',
      links: 'empty',
    });
    this.#files += files.length;
    this.#bytes += files.reduce((sum, { content }) => sum + content.length, 0);
    if (this.#bytes > maxBytes || this.#files > maxFiles) {
      throw new ArchiveError(
        `chart refused: with the charts packed inside it, it unpacks to more than ${maxBytes} bytes or ${maxFiles} files`,
      );
    }
    return belowDirectory(files);
  }
}

function belowDirectory(files: MemoryFile[]): { directory: string; files: ChartFile[] } {
  const directories = new Set(files.map(({ path }) => path.slice(0, path.indexOf('/') + 1)));
  const [directory] = directories;
  if (directory === undefined) throw new ArchiveError('chart refused: the archive has no files');
  if (directories.has('')) {
    throw new ArchiveError(
      'chart refused: the archive has files outside of the directory of the chart: package it with helm package',
    );
  }
  if (directories.size > 1) {
    throw new ArchiveError(
      `chart refused: the archive has more than one directory at the top: ${[...directories].join(', ')}`,
    );
  }
  return {
    directory: directory.slice(0, -1),
    files: files.map(({ path, content }) => ({
      path: path.slice(directory.length),
      content: content.indexOf(byteOrderMark) === 0 ? content.subarray(3) : content,
    })),
  };
}
