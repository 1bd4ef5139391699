import { posix } from 'node:path';
import { compareBytes, isBlank } from './go-text.ts';
import { installOrder, sortByKind } from './kind-order.ts';
import { manifestInvalid, parseDocument, splitManifests } from './manifest.ts';
import type { Hook, HookDeletePolicy, HookEvent, HookOutputLogPolicy } from './release.ts';

/** A document of a template that is no hook. */
export interface SortedDocument {
  /** Path of the template. */
  path: string;
  content: string;
  /** The empty string of a document without objects. */
  kind: string;
}

/** What the templates of a chart make. */
export interface SortedManifests {
  hooks: Hook[];
  documents: SortedDocument[];
}

/** What Helm reads of a document before it is applied. */
interface Head {
  kind: string;
  name: string;
  annotations: Record<string, string>;
}

const hookAnnotation = 'helm.sh/hook';

const hookEvents = new Map<string, HookEvent>([
  ['pre-install', 'pre-install'],
  ['post-install', 'post-install'],
  ['pre-delete', 'pre-delete'],
  ['post-delete', 'post-delete'],
  ['pre-upgrade', 'pre-upgrade'],
  ['post-upgrade', 'post-upgrade'],
  ['pre-rollback', 'pre-rollback'],
  ['post-rollback', 'post-rollback'],
  ['test', 'test'],
  ['test-success', 'test'],
]);

/**
 * Sorts rendered templates into hooks and the documents of the manifest, each in the order of Helm's installation.
 * Partials, empty files, and documents with an event that is unknown are left out, as in Helm.
 *
 * @param files text by path of the template
 * @throws RetryableError `ManifestInvalid` that names the template
 * @see https://github.com/helm/helm/blob/v4.3.1/pkg/release/v1/util/manifest_sorter.go
 */
export function sortManifests(files: ReadonlyMap<string, string>): SortedManifests {
  const hooks: Hook[] = [];
  const documents: SortedDocument[] = [];
  for (const path of [...files.keys()].sort(compareBytes)) {
    const text = files.get(path) ?? '';
    if (posix.basename(path).startsWith('_') || isBlank(text)) continue;
    for (const content of splitManifests(text)) {
      const head = headOf(content, path);
      if (head.annotations[hookAnnotation] === undefined) {
        documents.push({ path, content, kind: head.kind });
      } else {
        const hook = hookOf(head, path, content);
        if (hook !== undefined) hooks.push(hook);
      }
    }
  }
  return {
    hooks: sortByKind(hooks, installOrder),
    documents: sortByKind(documents, installOrder),
  };
}

function listOf(value: string | undefined): string[] {
  return value === undefined ? [] : value.split(',').map((item) => item.trim().toLowerCase());
}

function hookOf({ kind, name, annotations }: Head, path: string, content: string) {
  const events: HookEvent[] = [];
  for (const word of listOf(annotations[hookAnnotation])) {
    const event = hookEvents.get(word);
    if (event === undefined) return undefined;
    events.push(event);
  }
  const weight = weightOf(annotations['helm.sh/hook-weight']);
  const deletePolicies = listOf(annotations['helm.sh/hook-delete-policy']) as HookDeletePolicy[];
  const logPolicies = listOf(
    annotations['helm.sh/hook-output-log-policy'],
  ) as HookOutputLogPolicy[];
  const hook: Hook = { name, kind, path, manifest: content, events, last_run: { phase: '' } };
  if (weight !== 0) hook.weight = weight;
  if (deletePolicies.length > 0) hook.delete_policies = deletePolicies;
  if (logPolicies.length > 0) hook.output_log_policies = logPolicies;
  return hook;
}

/** A weight that is no integer counts as 0. */
function weightOf(text = ''): number {
  return /^[+-]?[0-9]+$/.test(text) ? Number(text) || 0 : 0;
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function headOf(content: string, path: string): Head {
  const value = parseDocument(content, path) ?? {};
  if (!isMap(value)) throw manifestInvalid(`${path}: the document is no object`);
  const { metadata = {} } = value;
  if (metadata !== null && !isMap(metadata))
    throw manifestInvalid(`${path}: metadata must be an object`);
  const annotations = metadata?.['annotations'] ?? {};
  if (!isMap(annotations)) throw manifestInvalid(`${path}: metadata.annotations must be an object`);
  return {
    kind: textOf(value['kind'], `${path}: kind`),
    name: textOf(metadata?.['name'], `${path}: metadata.name`),
    annotations: Object.fromEntries(
      Object.entries(annotations).map(([key, annotation]) => [
        key,
        textOf(annotation, `${path}: metadata.annotations[${key}]`),
      ]),
    ),
  };
}

/** Helm takes a number or a boolean for the text of it here, whatever the API server makes of it later. */
function textOf(value: unknown, field: string): string {
  if (value === undefined || value === null) return '';
  if (typeof value === 'object') throw manifestInvalid(`${field} must be a string`);
  return String(value);
}
