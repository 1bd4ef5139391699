import { rm } from 'node:fs/promises';
import type { Artifact } from '@sluice/shared/api';
import {
  type DigestAlgorithm,
  errorMessage,
  parseDigest,
  RetryableError,
  redactUrl,
} from '@sluice/shared/base';
import { done, type Outcome, withSpan } from '@sluice/shared/runtime';
import { readIndexAnywhere } from '../helm/helm-workers.ts';
import type { ChartIndex } from '../helm/index-charts.ts';
import type { ReadIndex } from '../helm/index-file.ts';
import { fetchFailedCondition } from '../source/names.ts';
import { withProgress } from '../source/progress.ts';
import { adopt, commitArtifact, placeArtifact, writeArtifact } from '../source/publish.ts';
import { ownerOf } from '../source/source.ts';
import { phase } from '../source/status.ts';
import { checkStored } from '../source/stored.ts';
import { TimeLimit } from '../source/time-limit.ts';
import { type Turn, turnOf } from '../source/turn.ts';
import { writeContent } from '../source/write-content.ts';
import { accessTo } from './access.ts';
import { parseRepositoryAddress } from './address.ts';
import type { HelmRepositoryContext, HelmRepositoryDeps } from './deps.ts';
import {
  type FetchedIndex,
  fetchIndex,
  fetchUnlessStored,
  type StoredIndex,
} from './fetch-index.ts';

/** Reason of an index that is refused. */
export const indexationFailedReason = 'IndexationFailed';

/**
 * Keeps the artifact of a HelmRepository at the index that its server sends: fetches it, and only if it is another
 * one checks, sorts and stores it.
 *
 * A repository of type oci is a plain description: nothing is fetched, and it has no status.
 */
export async function reconcileHelmRepository(
  context: HelmRepositoryContext,
  deps: HelmRepositoryDeps,
): Promise<Outcome> {
  const { object, status } = context;
  const { spec } = object;
  if (spec.type === 'oci') return reconcileStatic(context, deps);
  await checkStored(context, deps.store);
  const stored = status.status.artifact;
  const known = deps.known.find(object, stored);
  const { index, limit } = await phase(status, fetchFailedCondition, async () => {
    const address = parseRepositoryAddress(spec.url, 'spec.url');
    const limit = new TimeLimit(spec.timeout, context.signal);
    const access = await accessTo(context.client, address, object);
    const share = object.metadata.namespace ?? '';
    const options = { ...deps, share, clock: context.clock, limit };
    const index = await withSpan('fetch index', {}, () =>
      known ? fetchUnlessStored(access, options, known) : fetchIndex(access, options),
    );
    return { index, limit };
  });
  try {
    const artifact = await artifactOf(index, context, deps, limit);
    status.status.url = deps.store.latestUrl(object.kind, ownerOf(object));
    const what = `stored fetched index of size ${index.size} from '${redactUrl(spec.url)}'`;
    await adopt(context, deps.announcer, artifact, what);
    deps.known.note(object, index);
    return done();
  } finally {
    if ('path' in index) await rm(index.path, { force: true });
  }
}

/** Takes back what was done while the type was another one. */
async function reconcileStatic(
  { object, status }: HelmRepositoryContext,
  deps: HelmRepositoryDeps,
): Promise<Outcome> {
  await deps.store.remove(object.kind, ownerOf(object));
  const fields: Record<string, unknown> = status.status;
  for (const name of Object.keys(fields)) delete fields[name];
  return done(Number.POSITIVE_INFINITY);
}

/** Only another index than the stored one is built. */
async function artifactOf(
  index: FetchedIndex | StoredIndex,
  context: HelmRepositoryContext,
  deps: HelmRepositoryDeps,
  limit: TimeLimit,
): Promise<Artifact> {
  if ('artifact' in index) return index.artifact;
  const stored = context.status.status.artifact;
  if (stored?.revision === index.revision) return stored;
  return withProgress(context, `new index revision '${index.revision}'`, () =>
    build(context, deps, { index, limit }),
  );
}

async function build(
  context: HelmRepositoryContext,
  deps: HelmRepositoryDeps,
  { index, limit }: { index: FetchedIndex; limit: TimeLimit },
): Promise<Artifact> {
  const { store, packing } = deps;
  const { revision } = index;
  const algorithm = store.digestAlgorithm;
  const turn = turnOf(context, deps, limit.signal);
  const sorted = `${index.path}.json`;
  const place = await placeArtifact(context, store, `index-${parseDigest(revision).hex}.yaml`);
  try {
    const charts = await phase(context.status, fetchFailedCondition, () =>
      sort(index, { destination: sorted, algorithm }, limit, (read) =>
        packing.run(turn.share, () => read(turn), turn.signal),
      ),
    );
    const options = { algorithm, signal: limit.signal };
    const packed = await writeArtifact(context, () =>
      writeContent(sorted, place.temporary, options),
    );
    const artifact = await commitArtifact(context, store, place, { ...packed, revision });
    deps.indexes.put(artifact, charts);
    return artifact;
  } finally {
    await place.discard();
    await rm(sorted, { force: true });
  }
}

/** @throws RetryableError `IndexationFailed` */
async function sort(
  { path }: FetchedIndex,
  store: { destination: string; algorithm: DigestAlgorithm },
  limit: TimeLimit,
  inTurn: (read: (turn: Turn) => Promise<ReadIndex>) => Promise<ReadIndex>,
): Promise<ChartIndex> {
  try {
    const task = { operation: 'index', source: path, store } as const;
    return (await inTurn((turn) => readIndexAnywhere(task, turn))).charts;
  } catch (cause) {
    limit.throwIfStopped();
    throw new RetryableError(
      indexationFailedReason,
      `failed to load Helm repository from index YAML: ${limit.error ?? errorMessage(cause)}`,
      { cause },
    );
  }
}
