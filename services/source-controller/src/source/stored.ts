import type { ArtifactStore } from '@sluice/shared/artifact';
import { storing } from './publish.ts';
import { ownerOf, type SourceContext } from './source.ts';
import { markMissing } from './status.ts';

/**
 * Compares the status with the storage: forgets an artifact whose file is gone or damaged and does not come back from an
 * archive, brings its address up to date, and removes superseded files.
 *
 * @throws RetryableError `ArchiveOperationFailed` when the archive is needed and does not answer
 */
export async function checkStored(context: SourceContext, store: ArtifactStore): Promise<void> {
  const { object, status, logger } = context;
  const { artifact } = status.status;
  if (artifact === undefined) return;
  if (!(await storing(context, () => store.ensure(artifact)))) {
    logger.warn({ revision: artifact.revision }, 'Stored artifact is missing or damaged');
    markMissing(status);
    return;
  }
  const url = store.urlFor(artifact.path);
  if (artifact.url !== url) status.status.artifact = { ...artifact, url };
  const removed = await store.garbageCollect(object.kind, ownerOf(object), artifact);
  if (removed.length > 0) logger.debug({ files: removed }, 'Superseded artifacts removed');
}
