import { posix } from 'node:path';
import { formatCanonicalYaml, mergeMaps, type PlainMap } from '@sluice/shared/base';
import { ChartError } from './chart-error.ts';
import { MetadataError, parseYamlMap } from './metadata.ts';

/** Values files merged into one. */
export interface MergedValues {
  content: Buffer;
  /** Those that were there. */
  files: string[];
}

/**
 * Merges values files, later over earlier ones: maps by their keys, anything else as a whole.
 *
 * @param read returns a file by its normalized path
 * @param ignoreMissing leaves out files that do not exist
 * @throws ChartError `ValuesFilesError` that names the file
 */
export async function mergeValuesFiles(
  paths: readonly string[],
  read: (path: string) => Promise<Buffer | undefined>,
  ignoreMissing: boolean,
): Promise<MergedValues> {
  let merged: PlainMap = {};
  const files: string[] = [];
  for (const path of paths) {
    const content = await read(cleanValuesPath(path));
    if (content === undefined) {
      if (ignoreMissing) continue;
      throw new ChartError('ValuesFilesError', `no values file found at path '${path}'`);
    }
    merged = mergeMaps(merged, parse(content, path));
    files.push(path);
  }
  const text = files.length === 0 ? '' : formatCanonicalYaml(merged);
  return { content: Buffer.from(text === '{}\n' ? '' : text), files };
}

function parse(content: Buffer, path: string): PlainMap {
  try {
    return parseYamlMap(content, path);
  } catch (cause) {
    if (!(cause instanceof MetadataError)) throw cause;
    throw new ChartError('ValuesFilesError', cause.message, { cause });
  }
}

/** @throws ChartError `ValuesFilesError` when the path leads out */
function cleanValuesPath(path: string): string {
  const clean = posix.normalize(path).replace(/^\/+/, '');
  if (clean === '..' || clean.startsWith('../') || clean.includes('\0')) {
    throw new ChartError('ValuesFilesError', `values file '${path}' is outside of the source`);
  }
  return clean;
}
