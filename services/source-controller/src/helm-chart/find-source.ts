import type { Artifact, HelmRepository } from '@sluice/shared/api';
import type { ArtifactStore } from '@sluice/shared/artifact';
import { StalledError, WaitingError } from '@sluice/shared/base';
import { verificationErrorReason } from '../source/names.ts';
import { failVerification } from '../source/status.ts';
import type { ChartSources, HelmChartContext } from './deps.ts';

/** Where a chart comes from: a repository, or the artifact of a source. */
export type ChartSource =
  | { repository: HelmRepository; revision: string | undefined }
  | { artifact: Artifact; revision: string };

/**
 * Finds the source that the spec names.
 *
 * @throws WaitingError `SourceUnavailable` or `NoSourceArtifact` until it is there and has an artifact
 */
export function findSource({ object }: HelmChartContext, sources: ChartSources): ChartSource {
  const { kind, name } = object.spec.sourceRef;
  const key = `${object.metadata.namespace}/${name}`;
  const repository = kind === 'HelmRepository' ? sources.helmRepository(key) : undefined;
  const source =
    repository ?? (kind === 'GitRepository' ? sources.gitRepository(key) : sources.bucket(key));
  if (source === undefined || (kind === 'HelmRepository' && repository === undefined)) {
    throw new WaitingError('SourceUnavailable', `failed to get source: ${kind} '${key}' not found`);
  }
  // A registry has no index, so no artifact either.
  if (repository?.spec.type === 'oci') return { repository, revision: undefined };
  const artifact = source.status?.artifact;
  if (artifact === undefined) {
    throw new WaitingError(
      'NoSourceArtifact',
      `no artifact available for ${kind} source '${name}'`,
    );
  }
  const { revision } = artifact;
  return repository === undefined ? { artifact, revision } : { repository, revision };
}

/**
 * Refuses to make a chart without the verification that was asked for: signatures are beside charts in registries only.
 *
 * @throws StalledError `VerificationError`
 */
export function refuseUnverifiable(
  { object, status }: HelmChartContext,
  source: ChartSource,
): void {
  const isInRegistry = 'repository' in source && source.repository.spec.type === 'oci';
  if (object.spec.verify === undefined || isInRegistry) return;
  const message =
    'spec.verify needs a HelmRepository of type oci: no chart is made without the verification that was asked for';
  failVerification(status, new StalledError(verificationErrorReason, message));
}

/**
 * Uses the stored artifact of a source.
 *
 * @throws WaitingError `NoSourceArtifact` when that fails because its file is lost: the source makes it again
 */
export async function withArtifact<R>(
  store: ArtifactStore,
  artifact: Artifact,
  use: () => Promise<R>,
): Promise<R> {
  try {
    return await use();
  } catch (error) {
    const isOurs = artifact.url.startsWith(store.urlFor(''));
    if (!isOurs || (await store.verify(artifact))) throw error;
    throw new WaitingError(
      'NoSourceArtifact',
      `the artifact of revision '${artifact.revision}' is lost; its source makes it again`,
      { cause: error },
    );
  }
}
