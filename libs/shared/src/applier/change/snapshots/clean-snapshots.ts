import { type Snapshot, snapshotKind, snapshotTargetLabel } from '@sluice/shared/api';
import { isConflict, isNotFound, type KubeClient, resourceOf } from '@sluice/shared/kube';
import { type SnapshotTarget, snapshotNameOf } from './snapshot-name.ts';

const resource = resourceOf(snapshotKind);

/**
 * Removes the Snapshots of a target but for those of some changes.
 *
 * @param digests of the changes whose Snapshots stay
 * @param o.client of the controller itself
 * @throws ApiError, ConnectionError when that cannot be done now; the signal's reason when aborted
 */
export async function cleanSnapshots(
  target: SnapshotTarget,
  digests: readonly string[],
  o: { client: KubeClient; signal: AbortSignal },
): Promise<void> {
  const { client, signal } = o;
  const { namespace, uid = '' } = target.metadata;
  const kept = new Set(digests.map((digest) => snapshotNameOf(target, digest)));
  const labelSelector = `${snapshotTargetLabel}=${uid}`;
  const options = { namespace, labelSelector, metadataOnly: true, signal };
  const { items } = await client.list<Snapshot>(resource, options);
  for (const { metadata } of items) {
    if (kept.has(metadata.name)) continue;
    try {
      await client.delete(resource, metadata, { uid: metadata.uid, signal });
    } catch (error) {
      if (!isNotFound(error) && !isConflict(error)) throw error;
    }
  }
}
