import { open } from 'node:fs/promises';
import type { PackResult } from '@sluice/shared/artifact';
import { createHasher, type DigestAlgorithm, isPlainMap } from '@sluice/shared/base';
import { compareVersions, parseLooseVersion } from '../semver/version.ts';
import { checkMetadata, MetadataError } from './metadata.ts';
import { type TextPlace, TextStore } from './text-store.ts';

/** A version of a chart in an index. */
export interface ChartVersion {
  version: string;
  /** Addresses of the package; relative ones to that of the repository. */
  urls: string[];
  /** SHA-256 of the package in hexadecimal digits, if the index gives one. */
  digest?: string;
  /** Milliseconds since the epoch. */
  created?: number;
}

/** What is kept of an index: for each chart the JSON of its {@link ChartVersion}s, the highest first. */
export type ChartIndex = Map<string, string>;

type Entry = Record<string, unknown>;

/** Bytes that are gathered for one write: each takes a turn in another thread. */
const blockBytes = 256 * 1024;

const comma = Buffer.from(',');
const closing = Buffer.from(']');

/** One version, in the forms in which it is stored and kept: as an object it would take many times as much. */
interface IndexEntry {
  version: string;
  /** JSON of the whole entry. */
  whole: TextPlace;
  /** JSON of its {@link ChartVersion}. */
  short: string;
}

/** The charts of an index: each is opened, then its entries are added. */
export class IndexCharts {
  /** The last one until it is taken: it may get more entries. */
  #open: { name: string; entries: IndexEntry[] } | undefined;
  readonly #short: ChartIndex = new Map();
  /** The entries of each chart, as they are stored. */
  readonly #whole = new Map<string, TextPlace[]>();
  readonly #texts = new TextStore();

  /**
   * Starts a chart; what is added from now on belongs to it.
   *
   * @returns false when there is one of that name
   */
  open(name: string): boolean {
    this.#close();
    if (this.#short.has(name)) return false;
    this.#open = { name, entries: [] };
    return true;
  }

  /** Adds an entry to the open chart, unless Helm would not accept it. */
  add(entry: unknown): void {
    if (!isValid(entry)) return;
    this.#open?.entries.push({
      version: String(entry['version']),
      whole: this.#texts.add(JSON.stringify(entry)),
      short: JSON.stringify(toChartVersion(entry)),
    });
  }

  /** What is kept of it. */
  get index(): ChartIndex {
    this.#close();
    return this.#short;
  }

  /** Sorts as Helm does: the highest version first, what is no version last. */
  #close(): void {
    if (this.#open === undefined) return;
    const { name, entries } = this.#open;
    this.#open = undefined;
    const sorted = sortVersions(entries);
    this.#short.set(name, `[${sorted.map(({ short }) => short).join(',')}]`);
    this.#whole.set(
      name,
      sorted.map(({ whole }) => whole),
    );
  }

  /**
   * Stores the index as JSON, its charts sorted by name.
   *
   * @param head its other fields
   */
  async write(head: Entry, destination: string, algorithm: DigestAlgorithm): Promise<PackResult> {
    const hash = await createHasher(algorithm);
    const file = await open(destination, 'wx', 0o600);
    let [size, held] = [0, 0];
    let parts: Buffer[] = [];
    const flush = async () => {
      const block = Buffer.concat(parts);
      [parts, held] = [[], 0];
      hash.update(block);
      await file.appendFile(block);
      size += block.length;
    };
    try {
      for (const part of this.#parts(head)) {
        parts.push(part);
        held += part.length;
        if (held >= blockBytes) await flush();
      }
      await flush();
      await file.sync();
    } finally {
      await file.close();
    }
    return { digest: hash.digest(), size };
  }

  *#parts(head: Entry): Generator<Buffer> {
    yield Buffer.from(`${JSON.stringify(head).slice(0, -1)},"entries":{`);
    let separator = '\n';
    for (const name of [...this.index.keys()].sort()) {
      yield Buffer.from(`${separator}${JSON.stringify(name)}:[`);
      yield* this.#entriesOf(name);
      yield closing;
      separator = ',\n';
    }
    yield Buffer.from('\n}}\n');
  }

  *#entriesOf(name: string): Generator<Buffer> {
    for (const [at, place] of (this.#whole.get(name) ?? []).entries()) {
      if (at > 0) yield comma;
      yield* this.#texts.read(place);
    }
  }
}

function isValid(entry: unknown): entry is Entry {
  if (!isPlainMap(entry)) return false;
  try {
    checkMetadata(entry);
    return true;
  } catch (error) {
    if (error instanceof MetadataError) return false;
    throw error;
  }
}

function sortVersions(entries: IndexEntry[]): IndexEntry[] {
  if (entries.length < 2) return entries;
  const ordered = entries.map((entry) => ({ entry, order: parseLooseVersion(entry.version) }));
  ordered.sort(({ order: a }, { order: b }) =>
    a === undefined || b === undefined
      ? Number(a === undefined) - Number(b === undefined)
      : compareVersions(b, a),
  );
  return ordered.map(({ entry }) => entry);
}

function toChartVersion(entry: Entry): ChartVersion {
  const urls = Array.isArray(entry['urls']) ? entry['urls'] : [];
  const digest = /^(?:sha256:)?([0-9a-f]{64})$/i.exec(String(entry['digest'] ?? ''))?.[1];
  const created = Date.parse(String(entry['created'] ?? ''));
  return {
    version: String(entry['version']),
    urls: urls.filter((url) => typeof url === 'string'),
    ...(digest !== undefined && { digest: digest.toLowerCase() }),
    ...(!Number.isNaN(created) && { created }),
  };
}
