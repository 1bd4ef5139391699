import { buildFailed } from './errors.ts';
import { checkSpelling, isObject, type JsonObject } from './kustomization-file.ts';

/** A path in the configuration of a generator or transformer. */
export interface PluginReference {
  reference: unknown;
  field: string;
}

const functionAnnotations = ['config.kubernetes.io/function', 'config.k8s.io/function'];

/**
 * Checks that a generator, transformer or validator is one that is built into kustomize and runs no program.
 *
 * @throws RetryableError BuildFailed otherwise
 */
export function checkPluginConfig(config: JsonObject, where: string): void {
  checkSpelling(config, ['apiVersion', 'kind', 'metadata'], where);
  const { apiVersion, kind, metadata } = config;
  const annotations = isObject(metadata) ? metadata['annotations'] : undefined;
  const hasFunction =
    isObject(annotations) && functionAnnotations.some((name) => Object.hasOwn(annotations, name));
  if (apiVersion !== 'builtin' || hasFunction) {
    throw buildFailed(
      `${where}: ${String(kind)} is a plugin that runs a program, which is not allowed: only apiVersion 'builtin' is`,
    );
  }
  if (kind === 'HelmChartInflationGenerator') {
    throw buildFailed(`${where}: ${kind} is not allowed: use a HelmRelease to install a chart`);
  }
}

function entries(value: unknown, where: string): unknown[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw buildFailed(`${where} must be a list`);
  return value;
}

function fileOf(entry: unknown): unknown {
  if (typeof entry !== 'string') return entry;
  const at = entry.indexOf('=');
  return at === -1 ? entry : entry.slice(at + 1);
}

/**
 * Lists the paths in the configuration of a built-in generator or transformer.
 *
 * @throws RetryableError BuildFailed when a field has the wrong type or a misleading spelling
 */
export function pluginReferences(config: JsonObject, where: string): PluginReference[] {
  checkSpelling(config, ['files', 'envs', 'env', 'path', 'paths', 'replacements'], where);
  const found: PluginReference[] = [];
  const add = (field: string, reference: unknown) => {
    if (reference !== undefined && reference !== null && reference !== '')
      found.push({ field, reference });
  };
  for (const [index, entry] of entries(config['files'], `${where}.files`).entries())
    add(`files[${index}]`, fileOf(entry));
  for (const [index, entry] of entries(config['envs'], `${where}.envs`).entries())
    add(`envs[${index}]`, entry);
  for (const [index, entry] of entries(config['paths'], `${where}.paths`).entries())
    add(`paths[${index}]`, entry);
  for (const [index, entry] of entries(config['replacements'], `${where}.replacements`).entries()) {
    if (!isObject(entry)) throw buildFailed(`${where}.replacements[${index}] must be a map`);
    checkSpelling(entry, ['path'], `${where}.replacements[${index}]`);
    add(`replacements[${index}].path`, entry['path']);
  }
  add('env', config['env']);
  if (typeof config['path'] === 'string' && config['kind'] === 'PatchTransformer')
    add('path', config['path']);
  return found;
}
