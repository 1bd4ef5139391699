import { ociOriginRevisionKey } from '@sluice/shared/api';
import { WaitingError } from '@sluice/shared/base';
import { failureOfSource, refuseReference } from '@sluice/shared/service';
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
  const namespace = object.spec.sourceRef.namespace ?? object.metadata.namespace ?? '';
  const shown = `${kind}/${namespace}/${name}`;
  refuseReference(object, { kind, name, namespace, field: 'spec.sourceRef' }, deps.settings);
  const source = await deps.sources.get(kind, { namespace, name });
  if (source === undefined) {
    throw new WaitingError(
      'ArtifactFailed',
      `Source '${shown}' not found: create it or correct spec.sourceRef`,
    );
  }
  const { artifact } = source.status ?? {};
  if (artifact === undefined) {
    const failure = failureOfSource(source);
    const why = failure === undefined ? 'has no artifact yet' : `has no artifact: ${failure}`;
    throw new WaitingError('ArtifactFailed', `Source '${shown}' ${why}`);
  }
  return {
    artifact,
    revision: artifact.revision,
    originRevision: artifact.metadata?.[ociOriginRevisionKey],
  };
}
