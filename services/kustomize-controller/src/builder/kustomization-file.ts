import { posix } from 'node:path';
import { parseYamlStream } from '@sluice/shared/base';
import type { ArtifactFiles } from './artifact-files.ts';
import { buildFailed } from './errors.ts';

/** A JSON object. */
export type JsonObject = Record<string, unknown>;

/** The content of a kustomization file. */
export interface KustomizationFile {
  /** Path from the root of the artifact. */
  path: string;
  content: JsonObject;
}

/** The names under which kustomize looks for the file, in its order. */
const fileNames = ['kustomization.yaml', 'kustomization.yml', 'Kustomization'];

const fields = new Set(
  `apiVersion kind metadata openapi namePrefix nameSuffix namespace commonLabels labels commonAnnotations
  patchesStrategicMerge patchesJson6902 patches images imageTags replacements replicas vars sortOptions resources
  components crds bases configMapGenerator secretGenerator helmGlobals helmCharts helmChartInflationGenerator
  generatorOptions configurations generators transformers validators buildMetadata`.split(/\s+/),
);

const maxNodes = 500_000;

/** Tells whether a value is a JSON object. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The name under which Go's JSON decoder, which ignores case, sees a key. */
function fold(key: string): string {
  return key.toUpperCase().toLowerCase();
}

/**
 * Refuses keys that kustomize would take for one of `names` although they are spelled differently, by which a path
 * could get past our checks.
 */
export function checkSpelling(value: JsonObject, names: readonly string[], where: string): void {
  for (const key of Object.keys(value)) {
    const meant = names.find((name) => name !== key && fold(name) === fold(key));
    if (meant !== undefined)
      throw buildFailed(`${where}: field '${key}' must be spelled '${meant}'`);
  }
}

/** Counts the values of a document whose aliases are written out, to stop documents that explode. */
function checkSize(value: unknown, path: string): void {
  let count = 0;
  const stack = [value];
  while (stack.length > 0) {
    const next = stack.pop();
    if (++count > maxNodes) throw buildFailed(`${path}: more than ${maxNodes} values`);
    if (typeof next === 'object' && next !== null) {
      for (const child of Object.values(next)) stack.push(child);
    }
  }
}

/**
 * Parses a stream of YAML objects from the artifact.
 *
 * @throws RetryableError BuildFailed that names the file and the line
 */
export function parseObjects(text: string, path: string): JsonObject[] {
  let documents: unknown[];
  try {
    documents = parseYamlStream(text, path);
  } catch (error) {
    throw buildFailed(`broken YAML: ${(error as Error).message}`, error);
  }
  for (const document of documents) {
    checkSize(document, path);
    if (!isObject(document)) throw buildFailed(`${path}: a YAML mapping is expected`);
  }
  return documents as JsonObject[];
}

/**
 * Finds the kustomization file of a directory.
 *
 * @returns its path, undefined when there is none
 * @throws RetryableError BuildFailed when there are several
 */
export async function findKustomizationFile(
  files: ArtifactFiles,
  dir: string,
): Promise<string | undefined> {
  const found: string[] = [];
  for (const name of fileNames) {
    const path = posix.join(dir, name);
    if ((await files.kindOf(path)) === 'file') found.push(path);
  }
  if (found.length > 1) {
    throw buildFailed(`'${dir}' has several kustomization files, keep one: ${found.join(', ')}`);
  }
  return found[0];
}

/**
 * Reads a kustomization file.
 *
 * @throws RetryableError BuildFailed for broken YAML, several documents, unknown fields, or Helm charts
 */
export async function readKustomizationFile(
  files: ArtifactFiles,
  path: string,
): Promise<KustomizationFile> {
  const documents = parseObjects((await files.read(path)).toString(), path);
  if (documents.length > 1) throw buildFailed(`${path}: one YAML document is expected`);
  const content = documents[0] ?? {};
  checkSpelling(content, [...fields], path);
  for (const key of Object.keys(content)) {
    if (!fields.has(key)) throw buildFailed(`${path}: '${key}' is not a field of a kustomization`);
    if (key.startsWith('helm')) {
      throw buildFailed(`${path}: ${key} is not allowed: use a HelmRelease to install a chart`);
    }
  }
  return { path, content };
}
