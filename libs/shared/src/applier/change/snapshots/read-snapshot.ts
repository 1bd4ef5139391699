import { type Snapshot, snapshotKind } from '@sluice/shared/api';
import { isNotFound, type KubeClient, resourceOf } from '@sluice/shared/kube';
import type { SnapshotContent } from './content.ts';
import { type SnapshotTarget, snapshotNameOf } from './snapshot-name.ts';
import { SnapshotContentError, unpackObjects } from './unpack-objects.ts';

/** By what the status of a target knows a Snapshot. */
export interface SnapshotReference {
  /** `sha256:<hex>` of the change. */
  digest: string;
  /** `sha256:<hex>` of what was kept. */
  contentDigest: string;
}

/** What a Snapshot holds. */
export type ReadSnapshot =
  | ({ type: 'read' } & SnapshotContent)
  /** It must not be used, or is not there. */
  | { type: 'unusable'; why: string };

const resource = resourceOf(snapshotKind);

async function find(
  key: { name: string; namespace: string | undefined },
  { client, signal }: { client: KubeClient; signal: AbortSignal },
): Promise<Snapshot | undefined> {
  try {
    return await client.get<Snapshot>(resource, key, { signal });
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** Returns what is wrong with what a Snapshot says of itself. */
function whyAnother(
  { spec }: Partial<Snapshot>,
  target: SnapshotTarget,
  wanted: SnapshotReference,
): string | undefined {
  if (spec === undefined) return 'it has no spec';
  const { targetRef, digest, contentDigest } = spec;
  if (targetRef.kind !== target.kind || targetRef.name !== target.metadata.name)
    return `its spec.targetRef names ${targetRef.kind} '${targetRef.name}'`;
  if (digest !== wanted.digest) return 'its spec.digest is that of another change';
  if (contentDigest !== wanted.contentDigest)
    return 'its spec.contentDigest is not the one in the status';
  return undefined;
}

/**
 * Reads the Snapshot of a change, which is used only when it is what the status of its target knows.
 *
 * @param o.client of the controller itself
 * @throws ApiError, ConnectionError when it cannot be read now; the signal's reason when aborted
 */
export async function readSnapshot(
  target: SnapshotTarget,
  wanted: SnapshotReference,
  o: { client: KubeClient; signal: AbortSignal },
): Promise<ReadSnapshot> {
  const { namespace } = target.metadata;
  const name = snapshotNameOf(target, wanted.digest);
  const found = await find({ name, namespace }, o);
  if (found === undefined) return { type: 'unusable', why: `Snapshot '${name}' does not exist` };
  const unusable = (why: string) =>
    ({ type: 'unusable', why: `Snapshot '${name}' cannot be used: ${why}` }) as const;
  const other = whyAnother(found, target, wanted);
  if (other !== undefined) return unusable(other);
  try {
    return { type: 'read', ...(await unpackObjects(found.spec.content, wanted.contentDigest)) };
  } catch (error) {
    if (error instanceof SnapshotContentError) return unusable(error.message);
    throw error;
  }
}
