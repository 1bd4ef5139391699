import type { Artifact, HelmRelease } from '@sluice/shared/api';
import type { ArtifactCache } from '@sluice/shared/artifact';
import { UnsafePathError } from '@sluice/shared/artifact';
import { RetryableError, type SecretMasker } from '@sluice/shared/base';
import { isNotFound, type KubeClient, readConfigData, whyNoConfig } from '@sluice/shared/kube';
import {
  isSourceEntry,
  type SourceValuesFrom,
  type ValuesSource,
  valuesSourceOf,
} from './referenced.ts';
import { readValuesFile, ValuesFileError } from './values-file.ts';

/** Reason of every failure to put the values together. */
export const valuesErrorReason = 'ValuesError';

/** Where values come from. */
export interface ValuesRequest {
  object: HelmRelease;
  /** The controller's own, with which it reads ConfigMaps and Secrets of the object's namespace. */
  client: KubeClient;
  artifacts: ArtifactCache;
  /**
   * Returns the artifact of a source, or undefined when the source is optional and does not exist; refuses sources
   * that may not be used, and waits for others, by throwing.
   */
  artifactOf(source: ValuesSource): Promise<Artifact | undefined>;
  /** Learns the contents of Secrets. */
  masker: SecretMasker;
  signal: AbortSignal;
}

type ValuesFrom = NonNullable<HelmRelease['spec']['valuesFrom']>[number];

/** What an entry of spec.valuesFrom holds. */
export interface LoadedReference {
  entry: ValuesFrom;
  content: string;
  secret: boolean;
  /** Names field, object and key, for messages. */
  shown: string;
}

const defaultKey = 'values.yaml';

/** Returns the error about an entry of spec.valuesFrom. */
export function referenceError(shown: string, problem: string, cause?: unknown): RetryableError {
  return new RetryableError(valuesErrorReason, `${shown} ${problem}`, { cause });
}

/** Reads what the entries of spec.valuesFrom name; each object once, so that all see one version of it. */
export class ReferenceLoader {
  readonly #request: ValuesRequest;
  readonly #objects = new Map<string, Record<string, string> | undefined>();

  constructor(request: ValuesRequest) {
    this.#request = request;
  }

  /**
   * Reads one entry.
   *
   * @returns undefined when it is optional, and the object, or the key or file in it, does not exist
   * @throws RetryableError `ValuesError` that names the field, the object, the key and the fix
   * @throws what `artifactOf` and the artifact cache throw
   */
  async load(entry: ValuesFrom, field: string): Promise<LoadedReference | undefined> {
    if (isSourceEntry(entry)) return this.#loadFile(entry, field);
    const { kind, name, valuesKey: key = defaultKey, optional } = entry;
    const shownObject = `${field}: ${kind} '${this.#request.object.metadata.namespace}/${name}'`;
    const data = await this.#read(entry, shownObject);
    if (data === undefined) return undefined;
    const content = Object.hasOwn(data, key) ? data[key] : undefined;
    if (content === undefined) {
      if (optional) return undefined;
      throw referenceError(
        shownObject,
        `has no key '${key}': add it, correct valuesKey, or set optional: true`,
      );
    }
    const secret = kind === 'Secret';
    if (secret) this.#request.masker.add(content);
    return { entry, content, secret, shown: `${shownObject}, key '${key}'` };
  }

  async #read(entry: ValuesFrom, shown: string): Promise<Record<string, string> | undefined> {
    const { object, client, signal } = this.#request;
    const { namespace } = object.metadata;
    const id = `${entry.kind}/${entry.name}`;
    try {
      if (!this.#objects.has(id)) {
        const key = { namespace, name: entry.name };
        const kind = entry.kind === 'Secret' ? 'Secret' : 'ConfigMap';
        this.#objects.set(id, await readConfigData(client, kind, key, signal));
      }
    } catch (error) {
      signal.throwIfAborted();
      if (!isNotFound(error) || !entry.optional) {
        throw referenceError(shown, whyNoConfig(error, { mayBeOptional: true }), error);
      }
      this.#objects.set(id, undefined);
    }
    const found = this.#objects.get(id);
    if (found === undefined && !entry.optional) {
      throw referenceError(shown, 'does not exist: create it, or set optional: true');
    }
    return found;
  }

  async #loadFile(entry: SourceValuesFrom, field: string): Promise<LoadedReference | undefined> {
    const { object, artifacts, artifactOf, signal } = this.#request;
    const source = valuesSourceOf(object, entry, field);
    const { path = defaultKey, optional } = entry;
    const shown = `${field}: file '${path}' of ${source.kind} '${source.namespace}/${source.name}'`;
    const artifact = await artifactOf(source);
    if (artifact === undefined) return undefined;
    const unpacked = await artifacts.acquire(artifact, signal);
    try {
      const content = await readValuesFile(unpacked.dir, path);
      if (content !== undefined) return { entry, content, secret: false, shown };
      if (optional) return undefined;
      throw referenceError(
        shown,
        `does not exist in revision '${artifact.revision}': correct path, or set optional: true`,
      );
    } catch (error) {
      if (error instanceof ValuesFileError) throw referenceError(shown, error.message, error);
      if (error instanceof UnsafePathError) {
        throw referenceError(shown, `is no path in the artifact: ${error.message}`, error);
      }
      throw error;
    } finally {
      unpacked.release();
    }
  }
}
