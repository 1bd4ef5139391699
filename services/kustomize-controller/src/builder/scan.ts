import { posix } from 'node:path';
import type { ArtifactFiles } from './artifact-files.ts';
import { buildFailed } from './errors.ts';
import {
  checkSpelling,
  findKustomizationFile,
  isObject,
  type JsonObject,
  type KustomizationFile,
  parseObjects,
  readKustomizationFile,
} from './kustomization-file.ts';
import { checkPluginConfig, pluginReferences } from './plugin-config.ts';
import { formatOrigin, isRemoteReference, type Origin, resolveReference } from './reference.ts';

const maxDepth = 100;

/** What a build reads. */
export interface ScanResult {
  /** Files that kustomize reads as they are, from the root of the artifact. */
  plain: Set<string>;
  /** Those of them that hold objects. */
  resources: Set<string>;
  /** Those that hold patches. */
  patches: Set<string>;
  /** Those whose content becomes a value of a generated Secret. */
  secretFiles: Set<string>;
  /** Those whose lines become values of a generated Secret. */
  envFiles: Set<string>;
  /** Files of which kustomize gets to see exactly what was checked here, with that content. */
  rewritten: Map<string, string>;
  /** URLs and Git repositories that kustomize fetches. */
  remote: string[];
}

/** Settings of a scan. */
export interface ScanOptions {
  files: ArtifactFiles;
  /** Refuse everything that is not in the artifact. */
  noRemoteBases: boolean;
}

/** A place from which references are resolved. */
interface Place {
  file: string;
  dir: string;
}

class Scanner {
  readonly result: ScanResult = {
    plain: new Set(),
    resources: new Set(),
    patches: new Set(),
    secretFiles: new Set(),
    envFiles: new Set(),
    rewritten: new Map(),
    remote: [],
  };
  readonly #files: ArtifactFiles;
  readonly #noRemote: boolean;
  /** Directories being visited, outermost first. */
  readonly #path: string[] = [];
  readonly #visited = new Set<string>();

  constructor(o: ScanOptions) {
    this.#files = o.files;
    this.#noRemote = o.noRemoteBases;
  }

  /** Notes a reference; returns its path, undefined when it is remote. */
  #resolve(reference: unknown, place: Place, field: string): string | undefined {
    const origin: Origin = { file: place.file, field };
    if (typeof reference !== 'string')
      throw buildFailed(`${formatOrigin(origin)} must be a string`);
    if (!isRemoteReference(reference)) return resolveReference(place.dir, reference, origin);
    if (this.#noRemote || /^(git::)?file:/i.test(reference)) {
      throw buildFailed(
        `${formatOrigin(origin)} is remote, which --no-remote-bases forbids: add the files to the source`,
      );
    }
    this.result.remote.push(reference);
    return undefined;
  }

  async #file(
    reference: unknown,
    place: Place,
    field: string,
    role?: 'patches' | 'secretFiles' | 'envFiles',
  ): Promise<void> {
    const path = this.#resolve(reference, place, field);
    if (path === undefined) return;
    await this.#plainFile(path, `${field} of ${place.file}`);
    if (role !== undefined) this.result[role].add(path);
  }

  async #plainFile(path: string, where: string): Promise<void> {
    const kind = await this.#files.kindOf(path);
    if (kind !== 'file') {
      const what = kind === 'missing' ? 'does not exist in the artifact' : 'is a directory';
      throw buildFailed(`${where}: '${path}' ${what}`);
    }
    if (!this.#files.digests.has(path)) await this.#files.read(path);
    this.result.plain.add(path);
  }

  async #fileOrDirectory(
    reference: unknown,
    place: Place,
    field: string,
    plugins?: Place,
  ): Promise<void> {
    const path = this.#resolve(reference, place, field);
    if (path === undefined) return;
    if ((await this.#files.kindOf(path)) === 'directory') {
      await this.directory(path, `${field} of ${place.file}`, plugins);
    } else if (plugins !== undefined) await this.#pluginFile(path, place, field, plugins);
    else {
      await this.#plainFile(path, `${field} of ${place.file}`);
      this.result.resources.add(path);
    }
  }

  /** Visits the kustomization file from which everything starts. */
  async start(top: KustomizationFile): Promise<ScanResult> {
    this.#path.push(posix.dirname(top.path));
    await this.kustomization(top);
    return this.result;
  }

  /** Visits a directory that has a kustomization file. */
  async directory(dir: string, where: string, plugins?: Place): Promise<void> {
    const path = await findKustomizationFile(this.#files, dir);
    if (path === undefined) {
      throw buildFailed(`${where}: directory '${dir}' has no kustomization file: add one`);
    }
    const start = this.#path.indexOf(dir);
    if (start !== -1) {
      const cycle = [...this.#path.slice(start), dir].join(' → ');
      throw buildFailed(`${where}: kustomization directories refer to each other: ${cycle}`);
    }
    const visit = `${dir}\0${plugins?.dir ?? ''}`;
    if (this.#visited.has(visit)) return;
    if (this.#path.length >= maxDepth)
      throw buildFailed(`${where}: bases are nested deeper than ${maxDepth} levels`);
    this.#path.push(dir);
    await this.kustomization(await readKustomizationFile(this.#files, path), plugins);
    this.#path.pop();
    this.#visited.add(visit);
  }

  /** Visits everything that a kustomization file refers to. */
  async kustomization(file: KustomizationFile, plugins?: Place): Promise<void> {
    const dir = posix.dirname(file.path);
    const place: Place = { file: file.path, dir };
    const { content } = file;
    this.result.rewritten.set(file.path, JSON.stringify(content));
    for (const field of ['resources', 'bases', 'components'] as const) {
      for (const [index, entry] of listAt(content, field, file.path).entries())
        await this.#fileOrDirectory(entry, place, `${field}[${index}]`, plugins);
    }
    for (const field of ['crds', 'configurations'] as const) {
      for (const [index, entry] of listAt(content, field, file.path).entries())
        await this.#file(entry, place, `${field}[${index}]`);
    }
    await this.#patches(content, place);
    await this.#generators(content, place);
    await this.#plugins(content, place);
    const { openapi } = content;
    if (isObject(openapi) && openapi['path'] !== undefined && openapi['path'] !== '')
      await this.#file(openapi['path'], place, 'openapi.path');
  }

  async #patches(content: JsonObject, place: Place): Promise<void> {
    for (const field of ['patches', 'patchesJson6902', 'replacements'] as const) {
      for (const [index, entry] of listAt(content, field, place.file).entries()) {
        if (!isObject(entry)) throw buildFailed(`${place.file}: ${field}[${index}] must be a map`);
        checkSpelling(entry, ['path'], `${place.file}: ${field}[${index}]`);
        const { path } = entry;
        if (path !== undefined && path !== null && path !== '')
          await this.#file(path, place, `${field}[${index}].path`, 'patches');
      }
    }
    for (const [index, entry] of listAt(content, 'patchesStrategicMerge', place.file).entries()) {
      const field = `patchesStrategicMerge[${index}]`;
      if (this.#inline(entry, place, field) === undefined)
        await this.#file(entry, place, field, 'patches');
    }
  }

  async #generators(content: JsonObject, place: Place): Promise<void> {
    for (const field of ['configMapGenerator', 'secretGenerator'] as const) {
      for (const [index, entry] of listAt(content, field, place.file).entries()) {
        if (!isObject(entry)) throw buildFailed(`${place.file}: ${field}[${index}] must be a map`);
        const secret = field === 'secretGenerator';
        await this.#pluginPaths(entry, place, `${field}[${index}]`, secret);
      }
    }
  }

  async #plugins(content: JsonObject, place: Place): Promise<void> {
    for (const field of ['generators', 'transformers', 'validators'] as const) {
      for (const [index, entry] of listAt(content, field, place.file).entries()) {
        const name = `${field}[${index}]`;
        const inline = this.#inline(entry, place, name);
        if (inline === undefined) await this.#fileOrDirectory(entry, place, name, place);
        else for (const config of inline) await this.#pluginConfig(config, place, name);
      }
    }
  }

  /**
   * Parses an entry that may be YAML instead of a path. Kustomize may still try it as a path, so it is checked as one.
   */
  #inline(entry: unknown, place: Place, field: string): JsonObject[] | undefined {
    if (typeof entry !== 'string' || !/[\n:]/.test(entry) || isRemoteReference(entry))
      return undefined;
    let objects: JsonObject[];
    try {
      objects = parseObjects(entry, `${place.file} ${field}`);
    } catch (error) {
      if (entry.includes('\n')) throw error;
      return undefined;
    }
    resolveReference(place.dir, entry, { file: place.file, field });
    return objects;
  }

  async #pluginFile(path: string, place: Place, field: string, plugins: Place): Promise<void> {
    if ((await this.#files.kindOf(path)) !== 'file')
      throw buildFailed(`${field} of ${place.file}: '${path}' does not exist in the artifact`);
    const configs = parseObjects((await this.#files.read(path)).toString(), path);
    for (const config of configs)
      await this.#pluginConfig(config, { ...plugins, file: path }, path);
    this.result.rewritten.set(
      path,
      configs.map((config) => JSON.stringify(config)).join('\n---\n'),
    );
  }

  async #pluginConfig(config: JsonObject, place: Place, where: string): Promise<void> {
    checkPluginConfig(config, where);
    await this.#pluginPaths(config, place, where);
  }

  async #pluginPaths(
    config: JsonObject,
    place: Place,
    where: string,
    secret = config['kind'] === 'SecretGenerator',
  ): Promise<void> {
    for (const { reference, field } of pluginReferences(config, `${place.file}: ${where}`)) {
      const name = `${where}.${field}`;
      const mayBeInline = field.startsWith('paths[');
      if (!mayBeInline || this.#inline(reference, place, name) === undefined)
        await this.#file(reference, place, name, secret ? roleOf(field) : undefined);
    }
  }
}

/** What a file is to the Secret generator that refers to it. */
function roleOf(field: string): 'secretFiles' | 'envFiles' | undefined {
  if (field.startsWith('files[')) return 'secretFiles';
  return field.startsWith('env') ? 'envFiles' : undefined;
}

function listAt(content: JsonObject, field: string, file: string): unknown[] {
  const value = content[field];
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw buildFailed(`${file}: ${field} must be a list`);
  return value;
}

/**
 * Walks everything that a kustomization refers to, before kustomize sees any of it.
 *
 * @param top the kustomization file of spec.path, with the spec put in
 * @throws RetryableError BuildFailed that names file and field of a path that is absolute, leads out of the artifact,
 *   does not exist, is a symbolic link or remote although forbidden, and for cycles, plugins and Helm charts
 */
export async function scanKustomization(
  top: KustomizationFile,
  o: ScanOptions,
): Promise<ScanResult> {
  return new Scanner(o).start(top);
}
