import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ArchiveError, readArchive, readArchiveHere, sortByPath } from '@sluice/shared/artifact';
import { ChartError, type ChartErrorReason } from './chart-error.ts';
import { compileHelmIgnore, type HelmIgnore, helmIgnoreFileName } from './helm-ignore.ts';

/** A file of a chart; its path starts below the directory that has the chart's name. */
export interface ChartFile {
  path: string;
  content: Buffer;
}

/** Limits of charts, in bytes. */
export interface ChartLimits {
  /** Packed. */
  archiveBytes: number;
  /** One file of a chart that is packed here, and each file with metadata. */
  fileBytes: number;
}

/** Helm reads no chart that is larger when unpacked. */
export const maxUnpackedBytes = 100 * 1024 * 1024;
const maxFiles = 20_000;
const byteOrderMark = Buffer.from([0xef, 0xbb, 0xbf]);

/** What is left to unpack: one for a chart and all charts inside, so that nesting gains nothing. */
export class UnpackBudget {
  #bytes: number;
  #files: number;

  constructor(maxBytes = maxUnpackedBytes, files = maxFiles) {
    this.#bytes = maxBytes;
    this.#files = files;
  }

  /** What may still be unpacked. */
  get left(): { maxBytes: number; maxFiles: number } {
    return { maxBytes: Math.max(0, this.#bytes), maxFiles: Math.max(0, this.#files) };
  }

  /** Counts files that were unpacked. */
  take(files: readonly ChartFile[]): void {
    this.#files -= files.length;
    for (const file of files) this.#bytes -= file.content.length;
  }
}

/**
 * Reads the files of a packed chart, after checking every entry, in the calling thread.
 *
 * @throws ArchiveError when an entry is unsafe, or a limit exceeded
 */
export function readChartArchive(archive: Uint8Array, budget: UnpackBudget): ChartFile[] {
  const limits = { ...budget.left, repeated: 'chart', links: 'empty' } as const;
  const files = readArchive(archive, limits) ?? readArchiveHere(archive, limits);
  const roots = new Set<string>();
  const inside = files.map(({ path, content }) => {
    const slash = path.indexOf('/');
    if (slash < 0) {
      throw new ArchiveError(`archive refused: '${path}' must be inside the chart's directory`);
    }
    roots.add(path.slice(0, slash));
    return { path: path.slice(slash + 1), content: withoutMark(content) };
  });
  if (roots.size > 1) {
    throw new ArchiveError(
      `archive refused: a chart has one directory, this has ${[...roots].slice(0, 3).join(', ')}`,
    );
  }
  budget.take(inside);
  return inside;
}

/**
 * Reads the files of a chart's directory, without those that `.helmignore` leaves out.
 *
 * @param dir on the disk, in a tree that holds no links out of it
 * @throws ChartError `ChartPackageError` for links, devices, and files or charts over a limit
 */
export async function readChartDirectory(
  dir: string,
  limits: ChartLimits,
  budget: UnpackBudget,
): Promise<ChartFile[]> {
  const ignoreFile = await readIfThere(join(dir, helmIgnoreFileName), limits.fileBytes);
  const isIgnored = compileHelmIgnore(ignoreFile?.toString('utf8'));
  const walk = { dir, limits, isIgnored, left: budget.left, files: [] };
  await walkDirectory(walk, '');
  const files = sortByPath(walk.files as ChartFile[]);
  budget.take(files);
  return files;
}

interface Walk {
  dir: string;
  limits: ChartLimits;
  isIgnored: HelmIgnore;
  left: UnpackBudget['left'];
  files: ChartFile[];
}

async function walkDirectory(walk: Walk, path: string): Promise<void> {
  for (const item of await readdir(join(walk.dir, path), { withFileTypes: true })) {
    const child = path === '' ? item.name : `${path}/${item.name}`;
    if (walk.isIgnored(child, item.isDirectory())) continue;
    if (item.isDirectory()) await walkDirectory(walk, child);
    else if (item.isFile()) await addFile(walk, child);
    else {
      throw new ChartError(
        'ChartPackageError',
        `'${child}' is neither a file nor a directory: links are refused`,
      );
    }
  }
}

async function addFile(walk: Walk, path: string): Promise<void> {
  const file = join(walk.dir, path);
  const { size } = await stat(file);
  checkFileSize('ChartPackageError', { path, size, max: walk.limits.fileBytes });
  walk.left.maxBytes -= size;
  if (walk.left.maxBytes < 0 || --walk.left.maxFiles < 0) {
    throw new ChartError(
      'ChartPackageError',
      `the chart has more than ${maxFiles} files or ${maxUnpackedBytes} bytes`,
    );
  }
  walk.files.push({ path, content: withoutMark(await readFile(file)) });
}

/**
 * Refuses a file over the limit.
 *
 * @throws ChartError with the reason given
 */
export function checkFileSize(
  reason: ChartErrorReason,
  { path, size, max }: { path: string; size: number; max: number },
): void {
  if (size <= max) return;
  throw new ChartError(
    reason,
    `file '${path}' has ${size} bytes, more than the ${max} of --helm-chart-file-max-size`,
  );
}

/** Reads a file of limited size; undefined when there is none. */
export async function readIfThere(path: string, maxBytes: number): Promise<Buffer | undefined> {
  try {
    const { size } = await stat(path);
    const name = path.slice(path.lastIndexOf('/') + 1);
    checkFileSize('ChartPackageError', { path: name, size, max: maxBytes });
    return withoutMark(await readFile(path));
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? '';
    if (['ENOENT', 'ENOTDIR', 'EISDIR'].includes(code)) return undefined;
    throw error;
  }
}

function withoutMark(content: Buffer): Buffer {
  return content.subarray(0, 3).equals(byteOrderMark) ? content.subarray(3) : content;
}
