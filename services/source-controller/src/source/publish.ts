import {
  type Artifact,
  type ArtifactAnnouncer,
  reconcileRequestAnnotation,
} from '@sluice/shared/api';
import type { ArtifactStore, PackResult } from '@sluice/shared/artifact';
import { errorMessage, ReconcileError, RetryableError } from '@sluice/shared/base';
import { apiTime, withSpan, withTrace } from '@sluice/shared/runtime';
import {
  archiveFailedReason,
  newArtifactReason,
  storageOperationFailedCondition,
  succeededReason,
} from './names.ts';
import { ownerOf, type SourceContext } from './source.ts';
import { hadFailed, markStored, phase, type StoredNote } from './status.ts';

/** What is to be stored. */
export interface NewArtifact {
  revision: string;
  fileName: string;
  metadata?: Record<string, string>;
  /** Writes the archive to a path that does not exist yet. */
  write(path: string): Promise<PackResult>;
}

/**
 * Stores an artifact.
 *
 * @throws RetryableError `ArchiveOperationFailed`; the previous artifact stays as it was
 */
export async function storeArtifact(
  context: SourceContext,
  store: ArtifactStore,
  artifact: NewArtifact,
): Promise<Artifact> {
  const { object, status } = context;
  const { fileName, revision, write, metadata } = artifact;
  return phase(status, storageOperationFailedCondition, async () => {
    try {
      return await withSpan('store artifact', { attributes: { 'sluice.revision': revision } }, () =>
        store.publish(object.kind, ownerOf(object), fileName, revision, write, metadata),
      );
    } catch (error) {
      if (error instanceof ReconcileError || context.signal.aborted) throw error;
      throw new RetryableError(
        archiveFailedReason,
        `unable to archive artifact to storage: ${errorMessage(error)}`,
        { cause: error },
      );
    }
  });
}

/**
 * Makes a stored artifact the object's current one: event first, because it could not be repeated once the
 * status is written, then the status, then the hint on the bus.
 *
 * @param said the message of the event; or message and reason of events and conditions alike
 */
export async function adopt(
  context: SourceContext,
  announcer: ArtifactAnnouncer | undefined,
  stored: Artifact,
  said: string | StoredNote,
): Promise<void> {
  const { object, status, clock } = context;
  const before = object.status?.artifact;
  const isNew = before?.digest !== stored.digest;
  const artifact = isNew || before?.revision !== stored.revision ? withTrace(stored) : stored;
  const recovered = hadFailed(status);
  const note = typeof said === 'string' ? undefined : said;
  markStored(status, artifact, note);
  if (isNew || recovered) {
    await context.event({
      severity: 'info',
      reason: note?.reason ?? (isNew ? newArtifactReason : succeededReason),
      message: typeof said === 'string' ? said : said.message,
      metadata: { revision: artifact.revision, digest: artifact.digest },
    });
  }
  if (!isNew && before?.revision === artifact.revision) return;
  markRequestHandled(context);
  await status.patch();
  context.logger.info({ revision: artifact.revision }, 'Stored artifact');
  announcer?.announce({
    apiVersion: object.apiVersion,
    kind: object.kind,
    ...ownerOf(object),
    artifact,
    observedAt: apiTime(clock.now()),
  });
}

/** Nothing follows but the runtime's last write, which has nothing left to write then. */
function markRequestHandled({ object, status }: SourceContext): void {
  const request = object.metadata.annotations?.[reconcileRequestAnnotation];
  if (request !== undefined) status.status.lastHandledReconcileAt = request;
}
