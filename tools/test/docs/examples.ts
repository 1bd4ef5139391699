import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { allKinds, type KubeObject } from '@sluice/shared/api';
import { loadAll } from 'js-yaml';

const root = join(import.meta.dirname, '../../..');

/** A fenced block of YAML on a page of the documentation. */
export interface Example {
  /** Path of the page, relative to the repository. */
  page: string;
  /** Line of the page at which the block starts. */
  line: number;
  /** What the comment `<!-- example: … -->` before the block says; `ready` means that it must get ready when applied. */
  mark: string | undefined;
  /** The documents of the block, as they are. */
  documents: unknown[];
}

const block = /^(?:<!-- example: ([a-z ]+) -->\n+)?^([ \t]*)```ya?ml\n([\s\S]*?)^\2```/gm;
const groups = new Set(allKinds.map(({ group }) => group));

/** Pages with examples, in alphabetical order. */
export const pages: string[] = globSync(
  ['*.md', 'docs/**/*.md', 'examples/**/*.md', 'charts/**/*.md'],
  { cwd: root },
).sort();

/**
 * Reads the YAML blocks of a page.
 *
 * @throws YAMLException when a block is no YAML
 */
export function examplesOf(page: string): Example[] {
  const text = readFileSync(join(root, page), 'utf8');
  return [...text.matchAll(block)].map(({ 1: mark, 2: indent = '', 3: body = '', index }) => ({
    page,
    mark,
    line: text.slice(0, index).split('\n').length,
    documents: loadAll(body.replaceAll(new RegExp(`^${indent}`, 'gm'), '')),
  }));
}

/** Whether a document is a whole object. */
export function isObject(document: unknown): document is KubeObject {
  const { apiVersion, kind, metadata } = (document ?? {}) as Partial<KubeObject>;
  return Boolean(apiVersion && kind && metadata?.name);
}

/** Whether an object is of one of our kinds. */
export function isOurs({ apiVersion }: KubeObject): boolean {
  return groups.has(apiVersion.split('/')[0] ?? '');
}

type JsonMap = Record<string, unknown>;

function isMap(value: unknown): value is JsonMap {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Lays a fragment over an object: maps are merged, anything else is replaced. */
function merge(base: JsonMap, over: JsonMap): JsonMap {
  const merged = { ...base };
  for (const [key, value] of Object.entries(over)) {
    const present = base[key];
    merged[key] = isMap(present) && isMap(value) ? merge(present, value) : value;
  }
  return merged;
}

/**
 * The objects of a page. On a guide, a block that begins with `spec:` stands for the first object of the guide's kind
 * with these fields on top; elsewhere, documents that are no objects are left out.
 */
export function objectsOf(page: string): { object: KubeObject; at: string }[] {
  const examples = examplesOf(page);
  const all = examples.flatMap(({ documents, line }) =>
    documents.map((document) => ({ document, at: `${page}:${line}` })),
  );
  const kind = /^# (\w+)/m.exec(readFileSync(join(root, page), 'utf8'))?.[1];
  const first = all.map(({ document }) => document).find((d) => isObject(d) && d.kind === kind);
  return all.flatMap(({ document, at }) => {
    if (isObject(document)) return [{ object: document, at }];
    const isFragment = page.startsWith(join('docs', 'guides')) && isMap(document);
    if (!isFragment || !('spec' in document)) return [];
    if (first === undefined) throw new Error(`${at}: there is no ${kind} before this fragment`);
    return [{ object: merge(first as unknown as JsonMap, document) as unknown as KubeObject, at }];
  });
}
