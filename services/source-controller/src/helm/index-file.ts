import { createHash } from 'node:crypto';
import { open, readFile } from 'node:fs/promises';
import type { PackResult } from '@sluice/shared/artifact';
import { type DigestAlgorithm, errorMessage, parseYamlStream } from '@sluice/shared/base';
import { parseLooseVersion } from '../semver/loose-version.ts';
import { IndexError } from './chart-error.ts';
import { checkMetadata, isMap, MetadataError } from './metadata.ts';

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

/** What aliases may stand for: more values than a text of the largest size holds without any. */
const maxValues = 10_000_000;

/**
 * Reads an index in the calling thread.
 *
 * @throws IndexError when it is refused
 */
export async function readIndex({ source, store }: IndexTask): Promise<ReadIndex> {
  const index = parseIndex(await readFile(source, 'utf8'));
  const charts = chartsOf(index.entries);
  if (store === undefined) return { charts };
  return { charts, stored: await writeJson(index, store.destination, store.algorithm) };
}

/**
 * Parses an index, leaves out entries that Helm would not accept, and sorts the versions of each chart as Helm does:
 * the highest first, what is no version last.
 *
 * @throws IndexError when it is no index
 */
export function parseIndex(text: string): { apiVersion: string; entries: Map<string, Entry[]> } {
  const index = parseText(text);
  if (!isMap(index)) throw new IndexError('must hold a map');
  // Of use to one kind of server only, and dropped by Helm.
  const { serverInfo: _, entries = {}, apiVersion, ...rest } = index;
  if (typeof apiVersion !== 'string' || apiVersion === '') {
    throw new IndexError('no API version specified');
  }
  if (entries !== null && !isMap(entries)) throw new IndexError('entries must be a map');
  const sorted = new Map<string, Entry[]>();
  for (const [name, versions] of Object.entries(entries ?? {})) {
    if (versions !== null && !Array.isArray(versions)) {
      throw new IndexError(`entries.${name} must be a list`);
    }
    sorted.set(name, sortEntries((versions ?? []).filter(isValid)));
  }
  return { ...rest, apiVersion, entries: sorted };
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
  try {
    return parseYamlStream(text, 'index.yaml', { maxValues })[0];
  } catch (cause) {
    throw new IndexError(errorMessage(cause), { cause });
  }
}

function isValid(entry: unknown): entry is Entry {
  if (!isMap(entry)) return false;
  try {
    checkMetadata(entry);
    return true;
  } catch (error) {
    if (error instanceof MetadataError) return false;
    throw error;
  }
}

function sortEntries(entries: Entry[]): Entry[] {
  return entries
    .map((entry) => ({ entry, version: parseLooseVersion(String(entry['version'])) }))
    .sort((a, b) => {
      if (a.version === undefined || b.version === undefined) {
        return Number(a.version === undefined) - Number(b.version === undefined);
      }
      return b.version.compare(a.version);
    })
    .map(({ entry }) => entry);
}

function chartsOf(entries: Map<string, Entry[]>): ChartIndex {
  const charts: ChartIndex = new Map();
  for (const [name, versions] of entries) {
    charts.set(name, JSON.stringify(versions.map(toChartVersion)));
  }
  return charts;
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
  index: { entries: Map<string, Entry[]> },
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
      await write(`${separator}${JSON.stringify(name)}:${JSON.stringify(entries.get(name))}`);
      separator = ',\n';
    }
    await write('\n}}\n');
    await file.sync();
  } finally {
    await file.close();
  }
  return { digest: `${algorithm}:${hash.digest('hex')}`, size };
}
