import type { ArtifactGenerator } from '@sluice/shared/api';
import { keyOf } from '@sluice/shared/kube';
import { DependencyIndex } from '@sluice/shared/runtime';
import { sourceId } from '@sluice/shared/service';

/** Knows which ArtifactGenerators use which sources, and which ExternalArtifacts they make. */
export class GeneratorGraph {
  readonly #index = new DependencyIndex();
  readonly #outputs = new Map<string, string[]>();

  /** Takes in an ArtifactGenerator, as it is now. */
  set(object: ArtifactGenerator): void {
    const key = keyOf(object);
    this.delete(key);
    const { namespace = '' } = object.metadata;
    this.#index.set(
      idOf(key),
      object.spec.sources.map(({ kind, name, namespace: other }) =>
        sourceId(kind, { namespace: other ?? namespace, name }),
      ),
    );
    const outputs = outputNames(object).map((name) =>
      sourceId('ExternalArtifact', { namespace, name }),
    );
    for (const output of outputs) this.#index.set(output, [idOf(key)]);
    this.#outputs.set(key, outputs);
  }

  delete(key: string): void {
    this.#index.delete(idOf(key));
    for (const output of this.#outputs.get(key) ?? []) this.#index.delete(output);
    this.#outputs.delete(key);
  }

  /** The keys of the ArtifactGenerators that use a source, which is named as by {@link sourceId}. */
  usersOf(source: string): string[] {
    return this.#index.dependantsOf(source).map((id) => id.slice(prefix.length));
  }

  /** What leads from the outputs of an ArtifactGenerator back to its sources; undefined when nothing does. */
  cycleOf(key: string): string[] | undefined {
    return this.#index.cycleOf(idOf(key));
  }
}

const prefix = 'ArtifactGenerator/';

function idOf(key: string): string {
  return `${prefix}${key}`;
}

/** What a pattern stands for is known once it was made. */
function outputNames({ spec, status }: ArtifactGenerator): string[] {
  const named = spec.pathPattern ? [] : spec.artifacts.map(({ name }) => name);
  return [...new Set([...named, ...(status?.inventory ?? []).map(({ name }) => name)])];
}
