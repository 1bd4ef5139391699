import {
  type Artifact,
  type ArtifactAnnouncer,
  reconcileRequestAnnotation,
} from '@sluice/shared/api';
import type {
  ArtifactPlace,
  ArtifactStore,
  PackResult,
  WrittenArtifact,
} from '@sluice/shared/artifact';
import { errorMessage, ReconcileError, RetryableError } from '@sluice/shared/base';
import { apiTime, withSpan, withTrace } from '@sluice/shared/runtime';
import {
  archiveFailedReason,
  fetchFailedCondition,
  newArtifactReason,
  storageOperationFailedCondition,
  succeededReason,
} from './names.ts';
import { ownerOf, type SourceContext } from './source.ts';
import { hadFailed, markStored, phase, type StoredNote } from './status.ts';

/**
 * Makes a place for a new artifact.
 *
 * @throws RetryableError `ArchiveOperationFailed`
 */
export function placeArtifact(
  context: SourceContext,
  store: ArtifactStore,
  fileName: string,
): Promise<ArtifactPlace> {
  const { object } = context;
  return storing(context, () => store.place(object.kind, ownerOf(object), fileName));
}

/**
 * Writes an artifact to its place.
 *
 * @param refusalOf says what is wrong with the source when writing failed for that: a failure to fetch, not one to store
 * @throws ReconcileError of writing itself; what `refusalOf` returns; RetryableError `ArchiveOperationFailed` for anything else
 */
export async function writeArtifact<T extends PackResult>(
  context: SourceContext,
  write: () => Promise<T>,
  refusalOf: (error: unknown) => RetryableError | undefined = () => undefined,
): Promise<T> {
  try {
    return await withSpan('write artifact', {}, write);
  } catch (error) {
    // It has its condition already.
    if (error instanceof ReconcileError) throw error;
    const refusal = refusalOf(error);
    const fail = () => Promise.reject(refusal ?? error);
    return refusal === undefined
      ? storing(context, fail)
      : phase(context.status, fetchFailedCondition, fail);
  }
}

/**
 * Makes what was written to a place an artifact.
 *
 * @throws RetryableError `ArchiveOperationFailed`; the previous artifact stays as it was
 */
export function commitArtifact(
  context: SourceContext,
  store: ArtifactStore,
  place: ArtifactPlace,
  written: WrittenArtifact,
): Promise<Artifact> {
  const attributes = { 'sluice.revision': written.revision };
  return storing(context, () =>
    withSpan('store artifact', { attributes }, () => store.commit(place, written)),
  );
}

/**
 * What goes wrong here is a failure to store.
 *
 * @throws RetryableError `ArchiveOperationFailed`
 */
export function storing<T>(context: SourceContext, work: () => Promise<T>): Promise<T> {
  return phase(context.status, storageOperationFailedCondition, async () => {
    try {
      return await work();
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
