import { ArchiveError } from '@sluice/shared/artifact';
import { parseYamlStream, YamlError } from '@sluice/shared/base';
import type { ChartMetadata } from '../release/release.ts';

/** Fields that are text in Helm, whatever a number or boolean in the file looks like. */
const textFields = [
  'apiVersion',
  'name',
  'version',
  'appVersion',
  'description',
  'type',
  'kubeVersion',
  'condition',
  'tags',
  'home',
  'icon',
];

type Fields = Record<string, unknown>;

function refused(message: string, cause?: unknown): ArchiveError {
  return new ArchiveError(`chart refused: ${message}`, { cause });
}

/**
 * Reads a YAML file of a chart that holds a map, with the last of equal keys counting as in Helm.
 *
 * @param path path in the chart, for messages
 * @throws ArchiveError that names the file and the line
 */
export function parseChartYaml(content: Buffer, path: string): Fields {
  try {
    const [document = {}] = parseYamlStream(content.toString(), path, { lastKeyWins: true });
    if (typeof document === 'object' && document !== null && !Array.isArray(document)) {
      return document as Fields;
    }
  } catch (error) {
    if (!(error instanceof YamlError)) throw error;
    throw refused(error.message, error);
  }
  throw refused(`${path} must hold a map of fields`);
}

/** A name becomes a part of paths, so it must be one part and lead nowhere else. */
function checkName(name: unknown, path: string): void {
  if (typeof name !== 'string' || name === '') {
    throw refused(`${path} must set the name of the chart`);
  }
  if (name === '.' || name === '..' || /[/\\\0]/.test(name)) {
    throw refused(
      `the name ${JSON.stringify(name)} in ${path} must be a single part of a path: no slashes, not '.' or '..'`,
    );
  }
}

function normalised(fields: Fields): Fields {
  const result: Fields = { ...fields };
  for (const field of textFields) {
    const value = fields[field];
    if (typeof value === 'number' || typeof value === 'boolean') result[field] = String(value);
    if (value === null) delete result[field];
  }
  return result;
}

/**
 * Reads and checks a Chart.yaml, and the requirements.yaml that old charts keep their dependencies in.
 *
 * @throws ArchiveError when a file cannot be read, or the name or the version is missing or impossible
 * @see https://helm.sh/docs/topics/charts/#the-chartyaml-file
 */
export function readMetadata(
  file: { path: string; content: Buffer },
  requirements?: { path: string; content: Buffer },
): ChartMetadata {
  const older = requirements && parseChartYaml(requirements.content, requirements.path);
  const fields = normalised({ ...parseChartYaml(file.content, file.path), ...older });
  const { name, version, apiVersion = 'v1' } = fields;
  checkName(name, file.path);
  if (typeof version !== 'string' || version === '') {
    throw refused(`${file.path} must set the version of the chart`);
  }
  return { ...fields, apiVersion, name, version } as ChartMetadata;
}

/**
 * Returns the text of a Chart.yaml with another version and everything else as it was.
 *
 * @throws ArchiveError when the file cannot be read
 */
export function withVersion(content: Buffer, version: string): Buffer {
  const before = parseChartYaml(content, 'Chart.yaml');
  const wanted = JSON.stringify({ ...before, version });
  const edited = content.toString().replace(/^version[ \t]*:.*$/m, `version: ${version}`);
  return Buffer.from(sameFields(edited, wanted) ? edited : wanted);
}

/** Whether a text holds these fields; a line of some multi-line text may look like the version's. */
function sameFields(text: string, wanted: string): boolean {
  try {
    return JSON.stringify(parseChartYaml(Buffer.from(text), 'Chart.yaml')) === wanted;
  } catch (error) {
    if (error instanceof ArchiveError) return false;
    throw error;
  }
}
