import {
  errorMessage,
  formatGoFloat,
  isExactInteger,
  isPlainMap,
  parseYamlStream,
  type YamlOptions,
} from '@sluice/shared/base';
import { parseLooseVersion } from '../semver/version.ts';

/** A chart that another one needs, as its metadata or lock file says. */
export interface ChartDependency {
  name: string;
  /** A version or a range; empty for any. */
  version: string;
  /** Name under which the chart takes part; empty for its own. */
  alias: string;
  /** Address of a Helm repository, `file://` and a path, or empty for a chart below `charts/`. */
  repository: string;
}

/** What this service reads of a chart's metadata. */
export interface ChartMetadata {
  name: string;
  version: string;
  dependencies: ChartDependency[];
}

/** Metadata that is refused; the message says why. */
export class MetadataError extends Error {
  override name = 'MetadataError';
}

/** Names of the files that describe a chart. */
export const chartFileName = 'Chart.yaml';
export const requirementsFileName = 'requirements.yaml';
export const valuesFileName = 'values.yaml';
const lockFileNames = ['Chart.lock', 'requirements.lock'];

/** Names become names of files: artifacts, and charts below `charts/`. */
const namePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,249}$/;

/** Tells whether a text may be the name of a chart. */
export function isChartName(text: string): boolean {
  return namePattern.test(text);
}

/**
 * Parses a YAML file that holds one map; of several documents, the first.
 *
 * @throws MetadataError that names file and line
 */
export function parseYamlMap(
  content: Buffer,
  file: string,
  options: YamlOptions = {},
): Record<string, unknown> {
  return parseYamlMaps(content, file, options)[0] ?? {};
}

/**
 * Parses a YAML file each of whose documents holds a map.
 *
 * @throws MetadataError that names file and line
 */
export function parseYamlMaps(
  content: Buffer,
  file: string,
  options: YamlOptions = {},
): Record<string, unknown>[] {
  const all = { lastKeyWins: true, exactIntegers: true, ...options };
  let documents: unknown[];
  try {
    documents = parseYamlStream(content.toString('utf8'), file, all);
  } catch (cause) {
    throw new MetadataError(errorMessage(cause), { cause });
  }
  return documents.map((document) => {
    if (!isPlainMap(document)) throw new MetadataError(`${file}: must hold a map`);
    return document;
  });
}

/**
 * Parses metadata of a chart, all of whose fields are texts, whatever a number in the file looks like.
 *
 * @throws MetadataError that names file and line
 */
export function parseMetadata(content: Buffer, file: string): Record<string, unknown> {
  return parseYamlMap(content, file, { floatsAsText: true });
}

/**
 * Reads the metadata of a chart, with the requirements of charts made for Helm 2, and refuses what Helm refuses: no
 * name, a name that is a path, a version that is none.
 *
 * @param read returns a file of the chart's root
 * @throws MetadataError
 */
export function readMetadata(read: (name: string) => Buffer | undefined): ChartMetadata {
  const chartFile = read(chartFileName);
  if (chartFile === undefined) throw new MetadataError(`${chartFileName} file is missing`);
  const fields = parseMetadata(chartFile, chartFileName);
  const requirements = read(requirementsFileName);
  if (requirements !== undefined) {
    Object.assign(fields, parseMetadata(requirements, requirementsFileName));
  }
  return checkMetadata(fields);
}

/**
 * Checks the metadata of a chart, of which an index has copies.
 *
 * @throws MetadataError
 */
export function checkMetadata(fields: Record<string, unknown>): ChartMetadata {
  const name = textOf(fields['name']);
  const version = textOf(fields['version']);
  if (name === '') throw new MetadataError('chart name is missing');
  if (!isChartName(name)) {
    throw new MetadataError(
      `chart name ${JSON.stringify(name)} is refused: only letters, digits, '.', '_' and '-' are allowed`,
    );
  }
  if (version === '') throw new MetadataError(`version of chart '${name}' is missing`);
  if (parseLooseVersion(version) === undefined) {
    throw new MetadataError(`version ${JSON.stringify(version)} of chart '${name}' is invalid`);
  }
  const type = textOf(fields['type']);
  if (!['', 'application', 'library'].includes(type)) {
    throw new MetadataError(`type of chart '${name}' must be application or library`);
  }
  return { name, version, dependencies: dependenciesOf(fields, chartFileName) };
}

/**
 * Reads the dependencies that a chart's lock file pins.
 *
 * @param read returns a file of the chart's root
 * @returns undefined without a lock file
 * @throws MetadataError
 */
export function readLock(
  read: (name: string) => Buffer | undefined,
): ChartDependency[] | undefined {
  for (const file of lockFileNames) {
    const content = read(file);
    if (content !== undefined) return dependenciesOf(parseMetadata(content, file), file);
  }
  return undefined;
}

function dependenciesOf(fields: Record<string, unknown>, file: string): ChartDependency[] {
  const { dependencies } = fields;
  if (dependencies === undefined || dependencies === null) return [];
  if (!Array.isArray(dependencies)) {
    throw new MetadataError(`${file}: dependencies must be a list`);
  }
  return dependencies.map((dependency: unknown) => {
    if (!isPlainMap(dependency)) throw new MetadataError(`${file}: each dependency must be a map`);
    const name = textOf(dependency['name']);
    if (!isChartName(name)) {
      throw new MetadataError(`${file}: dependency name ${JSON.stringify(name)} is refused`);
    }
    return {
      name,
      version: textOf(dependency['version']),
      alias: textOf(dependency['alias']),
      repository: textOf(dependency['repository']),
    };
  });
}

/** Unquoted versions may read as numbers; Go makes a text of them, and of booleans. */
function textOf(value: unknown): string {
  if (isExactInteger(value)) return value.rawJSON;
  if (typeof value === 'number') {
    return Number.isSafeInteger(value) ? String(value) : formatGoFloat(value);
  }
  if (typeof value === 'boolean') return String(value);
  return typeof value === 'string' ? value : '';
}
