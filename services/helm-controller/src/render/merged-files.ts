import { posix } from 'node:path';
import { errorMessage, yamlFromJson } from '@sluice/shared/base';
import { compareBytes, isBlank } from '../release/go-text.ts';
import { parseDocument, splitManifests } from '../release/manifest.ts';
import { RenderError } from './errors.ts';

/** Texts by path of the template. */
export type Files = Map<string, string>;

/** Names the template of an object while renderers have it. */
const filenameAnnotation = 'postrenderer.helm.sh/postrender-filename';

/** Adds files; documents of a path that is there already come after the others. */
export function mergeFiles(files: Files, more: Iterable<[string, string]>): void {
  for (const [path, text] of more) {
    const before = files.get(path);
    files.set(path, before === undefined ? text : `${before}\n---\n${text}`);
  }
}

type Json = Record<string, unknown>;

function isMap(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The objects of a document; a plain List is taken apart as kustomize does. */
function objectsOf(text: string, path: string): Json[] {
  const value = parse(text, path);
  if (value === undefined) return [];
  if (!isMap(value)) throw new RenderError('template', `${path}: the document is no object`);
  const isList = value['kind'] === 'List' || value['kind'] === 'ResourceList';
  if (!isList || !Array.isArray(value['items'])) return [value];
  return value['items'].filter(isMap);
}

function parse(text: string, path: string): unknown {
  try {
    return parseDocument(text, path, { exactIntegers: true, wordsAsText: true });
  } catch (error) {
    throw new RenderError('template', errorMessage(error), { cause: error });
  }
}

function annotated(object: Json, path: string): Json {
  const metadata = isMap(object['metadata']) ? object['metadata'] : {};
  const annotations = isMap(metadata['annotations']) ? metadata['annotations'] : {};
  return {
    ...object,
    metadata: { ...metadata, annotations: { ...annotations, [filenameAnnotation]: path } },
  };
}

/**
 * Joins the objects of all files into one stream, each with an annotation that names its file.
 *
 * @throws RenderError `template` that names the file and the line of what is no YAML
 */
export function annotateAndMerge(files: Files): string {
  const objects = [...files.keys()].sort(compareBytes).flatMap((path) => {
    const text = files.get(path) ?? '';
    if (posix.basename(path).startsWith('_') || isBlank(text)) return [];
    return splitManifests(text)
      .flatMap((document) => objectsOf(document, path))
      .map((object) => annotated(object, path));
  });
  return objects.map((object) => yamlFromJson(JSON.stringify(object))).join('\n---\n');
}

/** An object's annotations as kustomize writes them, with the line of ours. */
const annotationLine = new RegExp(
  `^( {2}annotations:\\n(?: {4}.*\\n)*?) {4}${filenameAnnotation.replaceAll('.', '\\.')}: (.*)\\n`,
  'm',
);

/** Takes the annotation off a document of kustomize; returns the file that it named. */
function deannotate(document: string): { text: string; path?: string } {
  const metadataAt = document.search(/^metadata:$/m);
  const head = document.slice(0, Math.max(0, metadataAt));
  const rest = document.slice(Math.max(0, metadataAt));
  const found = annotationLine.exec(rest);
  if (metadataAt < 0 || found === null) return { text: document };
  const [line, before = '', value = ''] = found;
  const after = rest.slice(found.index + line.length);
  const isEmpty = before === '  annotations:\n' && !after.startsWith('    ');
  const annotations = isEmpty ? '' : before;
  const path = String(parseDocument(value, 'annotation'));
  return { text: head + rest.slice(0, found.index) + annotations + after, path };
}

/**
 * Puts the objects of a stream that kustomize wrote back into files, without the annotation. Objects that it added go
 * into files of their own.
 *
 * @param prefix part of the names of such files; may be empty
 */
export function splitAndDeannotate(stream: string, prefix: string): Files {
  const files: Files = new Map();
  const documents = stream.split(/^---\n/m).filter((document) => !isBlank(document));
  for (const [index, document] of documents.entries()) {
    const { text, path } = deannotate(document);
    const name = ['generated-by-postrender', prefix, index].filter((part) => part !== '').join('-');
    const file = path ?? `${name}.yaml`;
    const before = files.get(file);
    files.set(file, before === undefined ? text : `${before}---\n${text}`);
  }
  return files;
}
