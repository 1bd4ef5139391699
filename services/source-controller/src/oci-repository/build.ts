import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Artifact } from '@sluice/shared/api';
import { ArchiveError, inlineArchiveBytes, type PackResult } from '@sluice/shared/artifact';
import { BudgetError, parseDigest, RetryableError } from '@sluice/shared/base';
import { fetchBlob } from '../adapters/registry/blob.ts';
import type { RegistryClient } from '../adapters/registry/client.ts';
import { type Descriptor, fetchManifest, type Manifest } from '../adapters/registry/manifest.ts';
import { extractLayerAnywhere } from '../packing/packing-workers.ts';
import { fetchFailedCondition } from '../source/names.ts';
import { commitArtifact, placeArtifact, writeArtifact } from '../source/publish.ts';
import { remoteOperation } from '../source/remote.ts';
import { phase } from '../source/status.ts';
import type { TimeLimit } from '../source/time-limit.ts';
import { type Turn, turnOf } from '../source/turn.ts';
import type { OciContext, OciRepositoryDeps } from './deps.ts';
import { layerFailedReason, pullFailedReason } from './oci-errors.ts';
import type { ResolvedRef } from './resolve-ref.ts';
import { copyLayer, type LayerTask } from './write-layer.ts';

/** What to build. */
export interface Target {
  client: RegistryClient;
  ref: ResolvedRef;
  limit: TimeLimit;
}

const maxLayerBytes = 1024 * 1024 * 1024;

/**
 * Pulls the selected layer of a manifest and stores it as an artifact.
 *
 * @throws RetryableError `OCIArtifactPullFailed`, `OCIArtifactLayerOperationFailed` or `ArchiveOperationFailed`
 */
export async function build(
  context: OciContext,
  deps: OciRepositoryDeps,
  target: Target,
): Promise<Artifact> {
  const { object, status } = context;
  const { client, ref, limit } = target;
  const copy = object.spec.layerSelector?.operation === 'copy';
  const temporary = join(deps.tempDir, `layer-${randomBytes(8).toString('hex')}`);
  const what = `failed to pull artifact from '${object.spec.url}'`;
  const { hex } = parseDigest(ref.digest);
  const place = await placeArtifact(context, deps.store, `${hex}.${copy ? 'tgz' : 'tar.gz'}`);
  try {
    const { manifest, layer } = await phase(status, fetchFailedCondition, () =>
      remoteOperation({ reason: pullFailedReason, what, limit }, async () => {
        const manifest = await fetchManifest(client, ref.digest);
        const descriptor = selectLayer(manifest, object.spec.layerSelector?.mediaType);
        const options = {
          memoryBytes: inlineArchiveBytes,
          path: temporary,
          maxBytes: maxLayerBytes,
        };
        return { manifest, layer: await fetchBlob(client, descriptor, options) };
      }),
    );
    const task: LayerTask = {
      layer,
      destination: place.temporary,
      algorithm: deps.store.digestAlgorithm,
      workDir: `${temporary}.d`,
      specIgnore: object.spec.ignore,
      maxBytes: deps.maxArtifactBytes,
    };
    const packed = await writeLayerInTurn(context, deps, limit, (turn) =>
      copy ? copyLayer(task, limit.signal) : extractLayerAnywhere(task, turn),
    );
    const written = { ...packed, revision: ref.revision, metadata: manifest.annotations };
    return await commitArtifact(context, deps.store, place, written);
  } finally {
    await place.discard();
    await rm(temporary, { force: true });
    await rm(`${temporary}.d`, { recursive: true, force: true });
  }
}

function selectLayer({ layers }: Manifest, mediaType: string | undefined): Descriptor {
  const layer = mediaType ? layers.find((one) => one.mediaType === mediaType) : layers[0];
  if (layer !== undefined) return layer;
  const message = mediaType
    ? `failed to find layer with media type '${mediaType}' in artifact, which has: ${layers.map((one) => one.mediaType).join(', ') || 'no layers'}`
    : 'no layers found in artifact';
  throw new RetryableError(layerFailedReason, message);
}

function writeLayerInTurn(
  context: OciContext,
  deps: OciRepositoryDeps,
  limit: TimeLimit,
  write: (turn: Turn) => Promise<PackResult>,
): Promise<PackResult> {
  const turn = turnOf(context, deps, limit.signal);
  return writeArtifact(
    context,
    () => deps.packing.run(turn.share, () => write(turn), turn.signal),
    (cause) => {
      limit.throwIfStopped();
      const isRefused = cause instanceof ArchiveError || cause instanceof BudgetError;
      const why = limit.error ?? (isRefused ? cause.message : undefined);
      const message = `failed to extract layer contents from artifact: ${why}`;
      return why === undefined
        ? undefined
        : new RetryableError(layerFailedReason, message, { cause });
    },
  );
}
