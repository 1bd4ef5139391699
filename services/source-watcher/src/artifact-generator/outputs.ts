import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type Artifact,
  type ArtifactGenerator,
  type ExternalArtifact,
  externalArtifactKind,
  factPrefix,
  generatorLabel,
  ociOriginRevisionKey,
} from '@sluice/shared/api';
import type { ArtifactStore } from '@sluice/shared/artifact';
import { errorMessage, RetryableError } from '@sluice/shared/base';
import { apiTime } from '@sluice/shared/runtime';
import { buildFailedReason } from '../names.ts';
import { byUid, type GeneratorDeps } from './deps.ts';
import { type ObservedSources, originRevisionOf } from './observe-sources.ts';
import type { OutputRequest } from './requests.ts';

/** An entry of the inventory. */
export type InventoryEntry = NonNullable<
  NonNullable<ArtifactGenerator['status']>['inventory']
>[number];

/** An ExternalArtifact as it has to be. */
export interface Output {
  request: OutputRequest;
  artifact: Artifact;
}

/** Names an output for the storage. */
export function ownerOf(object: ArtifactGenerator, name: string) {
  return { namespace: object.metadata.namespace ?? '', name };
}

/** Kind of the outputs, for the storage. */
export const outputKind = externalArtifactKind.kind;

/** Writes down an output. */
export function entryOf(object: ArtifactGenerator, { request, artifact }: Output): InventoryEntry {
  const { namespace, name } = ownerOf(object, request.name);
  const filename = artifact.path.slice(artifact.path.lastIndexOf('/') + 1);
  return { name, namespace, digest: artifact.digest, filename };
}

/** What an artifact says of itself besides its content. */
export function describeOutput(
  { revision, originRevision }: OutputRequest,
  digest: string,
  { artifacts }: ObservedSources,
): { revision: string; metadata: Record<string, string> } {
  const source = artifacts.get(revision?.slice(1) ?? '');
  const origin = artifacts.get(originRevision?.slice(1) ?? '');
  return {
    revision: source?.revision ?? `latest@${digest}`,
    metadata:
      origin === undefined
        ? {}
        : { ...factsOf(origin), [ociOriginRevisionKey]: originRevisionOf(origin) },
  };
}

/** Who committed what is told on, so that alerts about what is applied can say it. */
function factsOf({ metadata = {} }: Artifact): Record<string, string> {
  return Object.fromEntries(Object.entries(metadata).filter(([key]) => key.startsWith(factPrefix)));
}

/**
 * Returns what is stored for an entry of the inventory, as the artifact that the sources make of it now; undefined when
 * the file is missing or damaged, and does not come back from an archive.
 *
 * @throws RetryableError `BuildFailed` when the archive is needed and does not answer
 */
export async function storedOutput(
  object: ArtifactGenerator,
  entry: InventoryEntry,
  request: OutputRequest,
  o: { store: ArtifactStore; sources: ObservedSources },
): Promise<Output | undefined> {
  const { store } = o;
  const path = store.pathFor(outputKind, ownerOf(object, entry.name), entry.filename);
  if (!(await isStored(store, { path, digest: entry.digest }))) return undefined;
  const stats = await stat(join(store.dir, path));
  const { revision, metadata } = describeOutput(request, entry.digest, o.sources);
  const artifact: Artifact = {
    path,
    url: store.urlFor(path),
    revision,
    digest: entry.digest,
    size: stats.size,
    lastUpdateTime: apiTime(stats.mtimeMs),
    ...(Object.keys(metadata).length > 0 && { metadata }),
  };
  return { request, artifact };
}

async function isStored(
  store: ArtifactStore,
  artifact: Pick<Artifact, 'path' | 'digest'>,
): Promise<boolean> {
  try {
    return await store.ensure(artifact);
  } catch (cause) {
    const message = `the artifact ${artifact.path} cannot be looked up: ${errorMessage(cause)}`;
    throw new RetryableError(buildFailedReason, message, { cause });
  }
}

/** Whether an ExternalArtifact says that it was made by an ArtifactGenerator. */
export function isMadeBy(object: ArtifactGenerator, live: ExternalArtifact): boolean {
  return live.metadata.labels?.[generatorLabel] === object.metadata.uid;
}

/**
 * Finds another ArtifactGenerator that has made an ExternalArtifact and still holds it. The label alone proves nothing:
 * whoever may write ExternalArtifacts writes labels.
 */
export function otherMakerOf(
  object: ArtifactGenerator,
  live: ExternalArtifact,
  { generators }: Pick<GeneratorDeps, 'generators'>,
): ArtifactGenerator | undefined {
  const uid = live.metadata.labels?.[generatorLabel];
  if (uid === undefined || uid === object.metadata.uid) return undefined;
  const { name, namespace } = live.metadata;
  return generators
    .byIndex(byUid, uid)
    .find(
      (other) =>
        other.metadata.namespace === namespace &&
        (other.status?.inventory ?? []).some((entry) => entry.name === name),
    );
}
