import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { errorMessage, isPlainMap, parseYamlStream } from '@sluice/shared/base';
import { IndexError } from './chart-error.ts';
import { IndexCharts } from './index-charts.ts';
import { IndexSplitter } from './split-index.ts';

/** No line of an index in the block style is longer, in characters. */
const maxLineLength = 1024 * 1024;

/** Fewer values than this are never too many. */
const minValues = 10_000;

/** Names that are text in YAML: its other words have at most five letters, and all else starts with no letter. */
const alwaysText = /^[A-Za-z][A-Za-z0-9._-]{5,}$/;

/** An index, its entries apart from its other fields. */
export interface ParsedIndex {
  head: { apiVersion: string; [field: string]: unknown };
  charts: IndexCharts;
}

/**
 * Parses an index in a file. Entries that Helm would not accept are left out.
 *
 * @throws IndexError when it is no index
 */
export async function parseIndexFile(path: string): Promise<ParsedIndex> {
  return (await parseInParts(path)) ?? parseWhole(await readFile(path, 'utf8'));
}

/** As {@link parseIndexFile}, of a text. */
export function parseIndex(text: string): ParsedIndex {
  const parts = new IndexParts();
  return (parts.take(text) ? parts.finish() : undefined) ?? parseWhole(text);
}

/** Undefined when the index cannot be parsed part by part. */
async function parseInParts(path: string): Promise<ParsedIndex | undefined> {
  const parts = new IndexParts();
  for await (const text of createReadStream(path, { encoding: 'utf8', highWaterMark: 2 ** 18 })) {
    if (!parts.take(text as string)) return undefined;
  }
  return parts.finish();
}

/** Parses an index part by part, while its text comes. */
class IndexParts {
  readonly #charts = new IndexCharts();
  readonly #splitter = new IndexSplitter({
    chart: (key) => this.#startChart(key),
    version: (text) => this.#addVersion(text),
  });
  /** The start of a line whose end has not come yet. */
  #rest = '';

  /** False when the index cannot be parsed part by part. */
  take(text: string): boolean {
    const all = this.#rest + text;
    let start = 0;
    for (let end = all.indexOf('\n') + 1; end > 0; end = all.indexOf('\n', start) + 1) {
      if (!this.#splitter.take(all.slice(start, end))) return false;
      start = end;
    }
    this.#rest = all.slice(start);
    return this.#rest.length <= maxLineLength;
  }

  /** Undefined when the index cannot be parsed part by part. */
  finish(): ParsedIndex | undefined {
    if (this.#rest !== '' && !this.#splitter.take(this.#rest)) return undefined;
    const text = this.#splitter.finish();
    const head = text === undefined ? undefined : orElse(() => parseText(text || '{}'));
    if (!isPlainMap(head) || 'entries' in head) return undefined;
    return orElse(() => ({ head: fieldsOf(head), charts: this.#charts }));
  }

  #startChart(key: string): boolean {
    // A copy: a part of a string keeps all of it in memory.
    const name = Buffer.from(key.replace(/^(["'])(.*)\1$/, '$2')).toString();
    const isText = alwaysText.test(key) || typeof orElse(() => parseText(key)) === 'string';
    return isText && this.#charts.open(name);
  }

  #addVersion(text: string): boolean {
    const items = orElse(() => parseText(text));
    if (!Array.isArray(items) || items.length !== 1) return false;
    this.#charts.add(items[0]);
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
  const charts = new IndexCharts();
  for (const [name, versions] of Object.entries(entries ?? {})) {
    if (versions !== null && !Array.isArray(versions)) {
      throw new IndexError(`entries.${name} must be a list`);
    }
    charts.open(name);
    for (const version of versions ?? []) charts.add(version);
  }
  return { head: fields, charts };
}

function fieldsOf(head: Record<string, unknown>): ParsedIndex['head'] {
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
