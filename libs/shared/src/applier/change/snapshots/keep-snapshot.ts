import {
  apiVersionOf,
  type KubeObject,
  type Snapshot,
  snapshotKind,
  snapshotTargetLabel,
} from '@sluice/shared/api';
import {
  ApiError,
  isAlreadyExists,
  isConflict,
  isNotFound,
  type KubeClient,
  resourceOf,
} from '@sluice/shared/kube';
import { type PackedObjects, packObjects } from './pack-objects.ts';
import { type SnapshotTarget, snapshotNameOf } from './snapshot-name.ts';

/** A change whose objects are to be kept. */
export interface ChangeToKeep {
  /** `sha256:<hex>` of the change. */
  digest: string;
  revision: string;
  objects: readonly KubeObject[];
  /** Tells whether a text has a secret in it. */
  holdsSecret(text: string): boolean;
}

/** What became of it. */
export type KeptSnapshot =
  | {
      type: 'kept';
      /** By which it is known. */
      contentDigest: string;
      /** How many objects are not in it, as they are Secrets or hold a secret text. */
      leftOut: number;
    }
  /** It cannot be kept. */
  | { type: 'refused'; why: string };

const resource = resourceOf(snapshotKind);

function snapshotOf(target: SnapshotTarget, change: ChangeToKeep, packed: PackedObjects): Snapshot {
  const { apiVersion, kind, metadata } = target;
  const { name, namespace, uid = '' } = metadata;
  const { content, contentDigest, objects, leftOut } = packed;
  return {
    apiVersion: apiVersionOf(snapshotKind),
    kind: snapshotKind.kind,
    metadata: {
      name: snapshotNameOf(target, change.digest),
      namespace,
      labels: { [snapshotTargetLabel]: uid },
      ownerReferences: [{ apiVersion, kind, name, uid }],
    },
    spec: {
      targetRef: { kind, name },
      digest: change.digest,
      revision: change.revision,
      contentDigest,
      objects,
      ...(leftOut > 0 && { leftOut }),
      content,
    },
  };
}

/** Whether a Snapshot that is there is what would be written; the revision may be that of an equal change. */
function isSame({ metadata, spec }: Partial<Snapshot>, wanted: Snapshot): boolean {
  const [owner] = metadata?.ownerReferences ?? [];
  return (
    metadata?.deletionTimestamp === undefined &&
    owner?.uid === wanted.metadata.ownerReferences?.[0]?.uid &&
    metadata?.labels?.[snapshotTargetLabel] === wanted.metadata.labels?.[snapshotTargetLabel] &&
    spec?.contentDigest === wanted.spec.contentDigest &&
    spec?.digest === wanted.spec.digest &&
    spec?.content === wanted.spec.content
  );
}

type Client = { client: KubeClient; signal: AbortSignal };

/** Removes what stands in the way, unless it is the very same. */
async function makeRoom(wanted: Snapshot, { client, signal }: Client): Promise<boolean> {
  try {
    const found = await client.get<Snapshot>(resource, wanted.metadata, { signal });
    if (isSame(found, wanted)) return false;
    const { uid, resourceVersion } = found.metadata;
    await client.delete(resource, wanted.metadata, { uid, resourceVersion, signal });
    return true;
  } catch (error) {
    if (isNotFound(error)) return true;
    throw error;
  }
}

async function write(snapshot: Snapshot, o: Client): Promise<void> {
  const create = () => client.create(resource, snapshot, { signal });
  const { client, signal } = o;
  try {
    await create();
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
    if (await makeRoom(snapshot, o)) await create();
  }
}

/** A quota, an admission policy or a missing right, which is there again the next time. */
function isRefusal(error: unknown): error is ApiError {
  if (!(error instanceof ApiError) || isConflict(error)) return false;
  return error.status >= 400 && error.status < 500 && error.status !== 429;
}

/**
 * Keeps the objects of a change as a Snapshot that its target owns, without Secrets and what holds secret texts. One that
 * is there and the same is left; another one of the same change is replaced.
 *
 * @param o.client of the controller itself
 * @throws ApiError, ConnectionError when it cannot be written now; the signal's reason when aborted
 */
export async function keepSnapshot(
  target: SnapshotTarget,
  change: ChangeToKeep,
  o: Client,
): Promise<KeptSnapshot> {
  const packed = await packObjects(change.objects, {
    holdsSecret: (text) => change.holdsSecret(text),
    signal: o.signal,
  });
  if ('tooLarge' in packed) return { type: 'refused', why: packed.tooLarge };
  try {
    await write(snapshotOf(target, change, packed), o);
  } catch (error) {
    if (!isRefusal(error)) throw error;
    return { type: 'refused', why: `the API server refuses the Snapshot: ${error.message}` };
  }
  const { contentDigest, leftOut } = packed;
  return { type: 'kept', contentDigest, leftOut };
}
