import { type Artifact, type ArtifactGenerator, ociOriginRevisionKey } from '@sluice/shared/api';
import { sha256Hex, WaitingError } from '@sluice/shared/base';
import { failureOfSource } from '@sluice/shared/service';
import { sourceFetchFailedReason } from '../names.ts';
import type { GeneratorDeps } from './deps.ts';

/** The artifacts of the sources of an ArtifactGenerator. */
export interface ObservedSources {
  /** By the aliases of their sources. */
  artifacts: ReadonlyMap<string, Artifact>;
  /** Of all of them, as `status.observedSourcesDigest` has it. */
  digest: string;
}

/**
 * Finds the artifacts of all sources.
 *
 * @throws WaitingError `SourceFetchFailed` when a source is missing, or has none; its change re-enqueues
 */
export async function observeSources(
  object: ArtifactGenerator,
  { sources }: Pick<GeneratorDeps, 'sources'>,
): Promise<ObservedSources> {
  const artifacts = new Map<string, Artifact>();
  for (const [index, source] of object.spec.sources.entries()) {
    const { alias, kind, name, namespace = object.metadata.namespace ?? '' } = source;
    const shown = `'${kind}/${namespace}/${name}' of spec.sources[${index}]`;
    const found = await sources.get(kind, { namespace, name });
    if (found === undefined) {
      const message = `source ${shown} not found: create it, or correct the reference`;
      throw new WaitingError(sourceFetchFailedReason, message);
    }
    const { artifact } = found.status ?? {};
    if (artifact === undefined) {
      const failure = failureOfSource(found);
      const why = failure === undefined ? 'has no artifact yet' : `has no artifact: ${failure}`;
      throw new WaitingError(sourceFetchFailedReason, `source ${shown} ${why}`);
    }
    artifacts.set(alias, artifact);
  }
  return { artifacts, digest: digestOf(artifacts) };
}

/** In the very form of Flux, so that an object that moves from or to it is not made anew for nothing. */
function digestOf(artifacts: ReadonlyMap<string, Artifact>): string {
  const parts = [...artifacts].map(
    ([alias, { digest, revision, url }]) =>
      `${alias}=[digest=${digest},revision=${revision},url=${url}]`,
  );
  return `sha256:${sha256Hex(parts.sort().join('|'))}`;
}

/** The origin revision of an artifact, or else its own. */
export function originRevisionOf({ metadata, revision }: Artifact): string {
  return metadata?.[ociOriginRevisionKey] || revision;
}
