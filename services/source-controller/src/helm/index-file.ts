import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, readFile } from 'node:fs/promises';
import type { PackResult } from '@sluice/shared/artifact';
import {
  type DigestAlgorithm,
  errorMessage,
  isPlainMap,
  parseYamlStream,
} from '@sluice/shared/base';
import { compareVersions, parseLooseVersion, type Version } from '../semver/version.ts';
import { IndexError } from './chart-error.ts';
import { checkMetadata, MetadataError } from './metadata.ts';
import { IndexSplitter } from './split-index.ts';

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

/** Everything needed to read an index; plain data, so that a thread can do it. */
export interface IndexTask {
  operation: 'index';
  /** Path of the index as a repository sends it, in YAML or JSON. */
  source: string;
  /** Where the sorted index goes as JSON; nowhere when undefined. */
  store?: { destination: string; algorithm: DigestAlgorithm };
}

export interface ReadIndex {
  charts: ChartIndex;
  /** Undefined when it was not stored. */
  stored?: PackResult;
}

type Entry = Record<string, unknown>;

/** An entry of an index in the form in which it is stored: as objects, all of them would take many times as much. */
interface IndexVersion {
  version: string;
  /** Undefined when it is no version. */
  order: Version | undefined;
  /** The whole entry. */
  json: string;
  /** JSON of its {@link ChartVersion}. */
  short: string;
}

export interface ParsedIndex {
  apiVersion: string;
  entries: Map<string, IndexVersion[]>;
  [field: string]: unknown;
}

/** No line of an index in the block style is longer, in characters. */
const maxLineLength = 1024 * 1024;

/** Fewer values than this are never too many. */
const minValues = 10_000;

/**
 * Reads an index in the calling thread.
 *
 * @throws IndexError when it is refused
 */
export async function readIndex({ source, store }: IndexTask): Promise<ReadIndex> {
  const index = sorted((await parseFile(source)) ?? parseWhole(await readFile(source, 'utf8')));
  const charts: ChartIndex = new Map();
  for (const [name, versions] of index.entries) {
    charts.set(name, `[${versions.map(({ short }) => short).join(',')}]`);
  }
  if (store === undefined) return { charts };
  return { charts, stored: await writeJson(index, store.destination, store.algorithm) };
}

/**
 * Parses an index, leaves out entries that Helm would not accept, and sorts the versions of each chart as Helm does:
 * the highest first, what is no version last.
 *
 * @throws IndexError when it is no index
 */
export function parseIndex(text: string): ParsedIndex {
  const parts = new IndexParts();
  return sorted((parts.take(text) ? parts.finish() : undefined) ?? parseWhole(text));
}

function sorted(index: ParsedIndex): ParsedIndex {
  for (const versions of index.entries.values()) versions.sort(byVersion);
  return index;
}

/** Undefined when the index cannot be parsed part by part. */
async function parseFile(path: string): Promise<ParsedIndex | undefined> {
  const parts = new IndexParts();
  for await (const text of createReadStream(path, { encoding: 'utf8', highWaterMark: 2 ** 18 })) {
    if (!parts.take(text as string)) return undefined;
  }
  return parts.finish();
}

/** Parses an index part by part, while its text comes. */
class IndexParts {
  readonly #entries = new Map<string, IndexVersion[]>();
  readonly #splitter = new IndexSplitter({
    chart: (key) => this.#startChart(key),
    version: (text) => this.#addVersion(text),
  });
  #versions: IndexVersion[] = [];
  /** The start of a line whose end has not come yet. */
  #rest = '';

  /** False when the index cannot be parsed part by part. */
  take(text: string): boolean {
    const lines = (this.#rest + text).split(/(?<=\n)/);
    this.#rest = lines.at(-1)?.endsWith('\n') ? '' : (lines.pop() ?? '');
    if (this.#rest.length > maxLineLength) return false;
    return lines.every((line) => this.#splitter.take(line));
  }

  /** Undefined when the index cannot be parsed part by part. */
  finish(): ParsedIndex | undefined {
    if (this.#rest !== '' && !this.#splitter.take(this.#rest)) return undefined;
    const text = this.#splitter.finish();
    const head = text === undefined ? undefined : orElse(() => parseText(text || '{}'));
    if (!isPlainMap(head) || 'entries' in head) return undefined;
    return orElse(() => ({ ...fieldsOf(head), entries: this.#entries }));
  }

  #startChart(key: string): boolean {
    const name = key.replace(/^(["'])(.*)\1$/, '$2');
    if (typeof orElse(() => parseText(key)) !== 'string' || this.#entries.has(name)) return false;
    this.#versions = [];
    this.#entries.set(name, this.#versions);
    return true;
  }

  #addVersion(text: string): boolean {
    const items = orElse(() => parseText(text));
    if (!Array.isArray(items) || items.length !== 1) return false;
    if (isValid(items[0])) this.#versions.push(toIndexVersion(items[0]));
    return true;
  }
}

/** Undefined when a part is refused: the whole text may be right, or says better what is wrong. */
function orElse<T>(parse: () => T): T | undefined {
  try {
    return parse();
  } catch (error) {
    if (error instanceof IndexError) return undefined;
    throw error;
  }
}

function parseWhole(text: string): ParsedIndex {
  const index = parseText(text);
  if (!isPlainMap(index)) throw new IndexError('must hold a map');
  const { entries = {}, ...head } = index;
  const fields = fieldsOf(head);
  if (entries !== null && !isPlainMap(entries)) throw new IndexError('entries must be a map');
  const known = new Map<string, IndexVersion[]>();
  for (const [name, versions] of Object.entries(entries ?? {})) {
    if (versions !== null && !Array.isArray(versions)) {
      throw new IndexError(`entries.${name} must be a list`);
    }
    known.set(name, (versions ?? []).filter(isValid).map(toIndexVersion));
  }
  return { ...fields, entries: known };
}

function fieldsOf(head: Record<string, unknown>): { apiVersion: string } {
  // Of use to one kind of server only, and dropped by Helm.
  const { serverInfo: _, apiVersion, ...rest } = head;
  if (typeof apiVersion !== 'string' || apiVersion === '') {
    throw new IndexError('no API version specified');
  }
  return { ...rest, apiVersion };
}

function parseText(text: string): unknown {
  if (text.trim() === '') throw new IndexError('the file is empty');
  if (text.trimStart().startsWith('{')) {
    try {
      return JSON.parse(text);
    } catch {
      // YAML may start with a brace as well; its parser says what is wrong.
    }
  }
  // No text holds as many values as it has characters, unless aliases stand for them.
  const maxValues = Math.max(minValues, text.length);
  try {
    return parseYamlStream(text, 'index.yaml', { maxValues })[0];
  } catch (cause) {
    throw new IndexError(errorMessage(cause), { cause });
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

function toIndexVersion(entry: Entry): IndexVersion {
  const version = String(entry['version']);
  return {
    version,
    order: parseLooseVersion(version),
    json: JSON.stringify(entry),
    short: JSON.stringify(toChartVersion(entry)),
  };
}

function byVersion(a: IndexVersion, b: IndexVersion): number {
  if (a.order === undefined || b.order === undefined) {
    return Number(a.order === undefined) - Number(b.order === undefined);
  }
  return compareVersions(b.order, a.order);
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

/** Written in pieces, so that the text never exists as a whole. */
async function writeJson(
  index: ParsedIndex,
  destination: string,
  algorithm: DigestAlgorithm,
): Promise<PackResult> {
  const { entries, ...rest } = index;
  const hash = createHash(algorithm);
  const file = await open(destination, 'wx', 0o600);
  let size = 0;
  const write = async (text: string) => {
    const bytes = Buffer.from(text);
    hash.update(bytes);
    size += bytes.length;
    await file.write(bytes);
  };
  try {
    await write(`${JSON.stringify(rest).slice(0, -1)},"entries":{`);
    let separator = '\n';
    for (const name of [...entries.keys()].sort()) {
      const versions = (entries.get(name) ?? []).map(({ json }) => json).join(',');
      await write(`${separator}${JSON.stringify(name)}:[${versions}]`);
      separator = ',\n';
    }
    await write('\n}}\n');
    await file.sync();
  } finally {
    await file.close();
  }
  return { digest: `${algorithm}:${hash.digest('hex')}`, size };
}
