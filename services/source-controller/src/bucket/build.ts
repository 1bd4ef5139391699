import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Artifact } from '@sluice/shared/api';
import { BudgetError, parseDigest, RetryableError } from '@sluice/shared/base';
import type { ObjectStorage, StoredObject } from '../adapters/storage/object-storage.ts';
import { packFilesAnywhere } from '../packing/packing-workers.ts';
import { fetchFailedCondition } from '../source/names.ts';
import { commitArtifact, placeArtifact, writeArtifact } from '../source/publish.ts';
import { phase } from '../source/status.ts';
import type { TimeLimit } from '../source/time-limit.ts';
import { turnOf } from '../source/turn.ts';
import { bucketFailedReason, bucketOperation } from './bucket-errors.ts';
import type { BucketContext, BucketDeps } from './deps.ts';
import { type FetchedFile, fetchObjects } from './fetch-objects.ts';
import { placeObjects } from './place-objects.ts';
import { revisionOf } from './revision.ts';

/** What to build. */
export interface Target {
  storage: ObjectStorage;
  objects: StoredObject[];
  limit: TimeLimit;
}

export interface Built {
  artifact: Artifact;
  files: number;
}

/**
 * Downloads the objects of a bucket and stores them as an artifact.
 *
 * @throws RetryableError `BucketOperationFailed` when one cannot be fetched or placed, `ArchiveOperationFailed` when
 *   they cannot be stored
 */
export async function build(
  context: BucketContext,
  deps: BucketDeps,
  { storage, objects, limit }: Target,
): Promise<Built> {
  const { object, status } = context;
  const { bucketName: bucket } = object.spec;
  const dir = await mkdtemp(join(deps.tempDir, 'bucket-'));
  try {
    const fetched = await phase(status, fetchFailedCondition, () =>
      bucketOperation({ bucket, what: `failed to fetch from bucket '${bucket}'`, limit }, () =>
        fetchObjects(storage, placeObjects(objects), { dir, maxBytes: deps.maxArtifactBytes }),
      ),
    );
    const { digestAlgorithm } = deps.store;
    const revision = await revisionOf(
      fetched.map((file) => file.object),
      digestAlgorithm,
    );
    const { hex } = parseDigest(revision);
    const place = await placeArtifact(context, deps.store, `${hex}.tar.gz`);
    try {
      const packed = await packInTurn(context, deps, limit, {
        files: fetched,
        destination: place.temporary,
      });
      const artifact = await commitArtifact(context, deps.store, place, { ...packed, revision });
      return { artifact, files: fetched.length };
    } finally {
      await place.discard();
    }
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

function packInTurn(
  context: BucketContext,
  deps: BucketDeps,
  limit: TimeLimit,
  { files, destination }: { files: FetchedFile[]; destination: string },
) {
  const turn = turnOf(context, deps, limit.signal);
  const task = {
    files: files.map(({ path, content, size }) => ({ path, content, size })),
    destination,
    algorithm: deps.store.digestAlgorithm,
    maxBytes: deps.maxArtifactBytes,
  };
  return writeArtifact(
    context,
    () => deps.packing.run(turn.share, () => packFilesAnywhere(task, turn), turn.signal),
    (cause) => {
      limit.throwIfStopped();
      const why = limit.error ?? (cause instanceof BudgetError ? cause.message : undefined);
      return why === undefined
        ? undefined
        : new RetryableError(bucketFailedReason, `failed to pack the objects: ${why}`, { cause });
    },
  );
}
