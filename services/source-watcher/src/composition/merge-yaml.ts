import {
  formatCanonicalYaml,
  isPlainMap,
  mergeMaps,
  type PlainMap,
  parseYamlStream,
  YamlError,
} from '@sluice/shared/base';
import { CompositionError } from './composition-error.ts';

/** A YAML file to merge. */
export interface YamlFile {
  path: string;
  content: Buffer;
}

/** Largest file that is merged, in bytes. */
export const maxMergedBytes = 4 * 1024 * 1024;

/**
 * Merges a YAML file over another one, as Helm merges values; the documents of each file count as merged already.
 *
 * @throws CompositionError when a file is too large or holds anything but maps
 */
export function mergeYaml(below: YamlFile, above: YamlFile): Buffer {
  const merged = mergeMaps(mapOf(below), mapOf(above));
  return Buffer.from(formatCanonicalYaml(merged));
}

function mapOf({ path, content }: YamlFile): PlainMap {
  if (content.length > maxMergedBytes) {
    throw new CompositionError(
      `'${path}' is larger than ${maxMergedBytes} bytes: it cannot be merged`,
    );
  }
  let merged: PlainMap = {};
  for (const document of documentsOf(content.toString('utf8'), path)) {
    if (!isPlainMap(document)) {
      throw new CompositionError(`'${path}' holds a document that is no map: it cannot be merged`);
    }
    merged = mergeMaps(merged, document);
  }
  return merged;
}

function documentsOf(text: string, path: string): unknown[] {
  try {
    return parseYamlStream(text, path, { lastKeyWins: true, exactIntegers: true });
  } catch (error) {
    if (!(error instanceof YamlError)) throw error;
    throw new CompositionError(`it cannot be merged: ${error.message}`, { cause: error });
  }
}
