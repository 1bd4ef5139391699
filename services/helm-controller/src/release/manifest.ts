import type { KubeObject } from '@sluice/shared/api';
import { parseYamlStream, RetryableError, YamlError, type YamlOptions } from '@sluice/shared/base';
import { isBlank, trimStart } from './go-text.ts';

/** One document of a manifest. */
export interface ManifestDocument {
  /** Path of the template it came from; the empty string when its comment is missing. */
  source: string;
  /** Text, the comment with the path included. */
  content: string;
}

/** A document separator as Helm sees it: at the start of a line, whatever follows it there. */
const separator = /(?<![^\n])---[ \t]*/;

const sourceComment = /^# Source: (.*?)\r?$/m;

/** Returns the error for a document that is no Kubernetes object. */
export function manifestInvalid(message: string, cause?: unknown): RetryableError {
  return new RetryableError('ManifestInvalid', message, { cause });
}

/**
 * Splits a text into its documents as Helm does; those of white space alone are left out, those of comments stay.
 *
 * @see https://github.com/helm/helm/blob/v4.3.1/pkg/release/v1/util/manifest.go
 */
export function splitManifests(text: string): string[] {
  return trimStart(text)
    .split(separator)
    .filter((document) => !isBlank(document))
    .map(trimStart);
}

/** Returns the documents of a manifest that Helm wrote. */
export function documentsOf(manifest: string): ManifestDocument[] {
  return splitManifests(manifest).map((content) => ({
    source: sourceComment.exec(content)?.[1] ?? '',
    content,
  }));
}

/** Writes documents as Helm writes the manifest of a release. */
export function writeManifest(documents: readonly { path: string; content: string }[]): string {
  return documents.map(({ path, content }) => `---\n# Source: ${path}\n${content}\n`).join('');
}

/**
 * Parses one document with the rules of Kubernetes; of several that end with `...` the first counts.
 *
 * @param place names the document in messages
 * @throws RetryableError `ManifestInvalid` with place and line
 */
export function parseDocument(content: string, place: string, options: YamlOptions = {}): unknown {
  try {
    return parseYamlStream(content, place, { ...options, lastKeyWins: true })[0];
  } catch (error) {
    if (error instanceof YamlError) throw manifestInvalid(error.message, error);
    throw error;
  }
}

/**
 * Returns the objects of a manifest in its order, with those of lists in their place.
 *
 * @throws RetryableError `ManifestInvalid` that names the template and the field
 */
export function objectsOf(manifest: string): KubeObject[] {
  return documentsOf(manifest).flatMap(({ source, content }) =>
    documentObjects(content, source || 'manifest'),
  );
}

/**
 * Returns the objects of one document: none when it is empty, several when it is a list.
 *
 * @param place names the document in messages
 * @throws RetryableError `ManifestInvalid` that names the place and the field
 */
export function documentObjects(content: string, place: string): KubeObject[] {
  const value = parseDocument(content, place, { exactIntegers: true });
  return value === undefined ? [] : expand(value, place);
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function expand(value: unknown, place: string): KubeObject[] {
  if (!isMap(value)) throw manifestInvalid(`${place}: the document is no object`);
  if (!Array.isArray(value['items'])) return [asObject(value, place)];
  return value['items'].flatMap((item, index) =>
    expand(isMap(item) ? withKindOfList(item, value) : item, `${place}: items[${index}]`),
  );
}

/** Items of a typed list such as ConfigMapList need not repeat their kind. */
function withKindOfList(
  item: Record<string, unknown>,
  list: Record<string, unknown>,
): Record<string, unknown> {
  const kind = String(list['kind'] ?? '');
  if (item['kind'] || !kind.endsWith('List') || kind === 'List') return item;
  return { apiVersion: list['apiVersion'], kind: kind.slice(0, -'List'.length), ...item };
}

function asObject(value: Record<string, unknown>, place: string): KubeObject {
  const metadata = isMap(value['metadata']) ? value['metadata'] : {};
  for (const field of ['apiVersion', 'kind']) {
    if (typeof value[field] !== 'string' || value[field] === '')
      throw manifestInvalid(`${place}: ${field} must be a string that is not empty`);
  }
  // The API server makes the name when it is empty and there is a generateName.
  const name = metadata['name'] ?? (metadata['generateName'] ? '' : undefined);
  if (typeof name !== 'string') {
    throw manifestInvalid(
      `${place}: metadata.name of ${value['kind']} must be a string; ${name === undefined ? 'add it' : 'quote it'}`,
    );
  }
  for (const field of ['labels', 'annotations'])
    checkTexts(metadata[field], `${place}: metadata.${field} of ${value['kind']} ${name}`);
  return { ...value, metadata: { ...metadata, name } } as KubeObject;
}

/** Helm refuses other labels and annotations before anything is applied, though not those that are null. */
function checkTexts(values: unknown, field: string): void {
  if (values === undefined || values === null) return;
  if (!isMap(values)) throw manifestInvalid(`${field} must be a map`);
  for (const [key, value] of Object.entries(values)) {
    if (typeof value !== 'string' && value !== null)
      throw manifestInvalid(`${field}: the value of '${key}' must be a string; quote it`);
  }
}

/** Whether an object stays when its release no longer has it: annotation `helm.sh/resource-policy: keep`. */
export function isKept(object: KubeObject): boolean {
  const policy: unknown = object.metadata.annotations?.['helm.sh/resource-policy'];
  return typeof policy === 'string' && policy.trim().toLowerCase() === 'keep';
}
