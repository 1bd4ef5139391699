import { ociOriginRevisionKey } from '@sluice/shared/api';
import { StalledError, WaitingError } from '@sluice/shared/base';
import type { ResolvedSource, Run } from './run.ts';

/**
 * Finds the artifact of spec.sourceRef.
 *
 * @throws StalledError AccessDenied when the reference is not allowed
 * @throws WaitingError ArtifactFailed when there is no such source, or it has no artifact yet; the source's change
 *   re-enqueues
 */
export async function resolveSource({ object, deps }: Run): Promise<ResolvedSource> {
  const { kind, name } = object.spec.sourceRef;
  const { namespace } = object.metadata;
  const sourceNamespace = object.spec.sourceRef.namespace ?? namespace;
  const shown = `${kind}/${sourceNamespace}/${name}`;
  if (deps.settings.noCrossNamespaceRefs && sourceNamespace !== namespace) {
    throw new StalledError(
      'AccessDenied',
      `can't access '${shown}' of spec.sourceRef, cross-namespace references have been blocked: use a source in namespace '${namespace}'`,
    );
  }
  if (kind === 'ExternalArtifact' && !deps.settings.externalArtifacts) {
    throw new StalledError(
      'AccessDenied',
      `can't access '${shown}' of spec.sourceRef: the feature gate ExternalArtifact is disabled`,
    );
  }
  const source = await deps.sources.get(kind, { namespace: sourceNamespace, name });
  if (source === undefined) {
    throw new WaitingError(
      'ArtifactFailed',
      `Source '${shown}' not found: create it or correct spec.sourceRef`,
    );
  }
  const { artifact } = source.status ?? {};
  if (artifact === undefined) {
    throw new WaitingError('ArtifactFailed', `Source '${shown}' has no artifact yet`);
  }
  return {
    artifact,
    revision: artifact.revision,
    originRevision: artifact.metadata?.[ociOriginRevisionKey],
  };
}
