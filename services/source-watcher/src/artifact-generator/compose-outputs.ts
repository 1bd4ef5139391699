import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ArtifactPlace, PackResult } from '@sluice/shared/artifact';
import {
  BudgetError,
  errorMessage,
  parseDigest,
  ReconcileError,
  RetryableError,
} from '@sluice/shared/base';
import { withSpan, withTrace } from '@sluice/shared/runtime';
import type { Composed } from '../composition/compose.ts';
import { composeInThread } from '../composition/composition-workers.ts';
import { buildFailedReason } from '../names.ts';
import type { GeneratorContext, GeneratorDeps } from './deps.ts';
import { withSources } from './held-sources.ts';
import type { ObservedSources } from './observe-sources.ts';
import { describeOutput, type Output, outputKind, ownerOf, storedOutput } from './outputs.ts';
import type { OutputRequest } from './requests.ts';

/** What was composed. */
export interface ComposedOutputs {
  outputs: Output[];
  /** Says which could not be composed, and why; undefined when all could. */
  failure: RetryableError | undefined;
}

/** Until it is known what it holds. */
const unnamed = 'new.tar.gz';

/**
 * Composes and stores the outputs. One that cannot be composed does not keep the others from it.
 *
 * @throws RetryableError `BuildFailed` when it costs too much, or the storage fails; as {@link withSources}
 */
export async function composeOutputs(
  context: GeneratorContext,
  deps: GeneratorDeps,
  plan: { requests: readonly OutputRequest[]; sources: ObservedSources },
): Promise<ComposedOutputs> {
  try {
    return await composeAndStore(context, deps, plan);
  } catch (error) {
    if (error instanceof ReconcileError || context.signal.aborted) throw error;
    const message = `the artifacts cannot be made: ${errorMessage(error)}`;
    throw new RetryableError(buildFailedReason, message, { cause: error });
  }
}

async function composeAndStore(
  context: GeneratorContext,
  deps: GeneratorDeps,
  { requests, sources }: { requests: readonly OutputRequest[]; sources: ObservedSources },
): Promise<ComposedOutputs> {
  const { object } = context;
  const places: ArtifactPlace[] = [];
  const aliases = requests.flatMap(({ copy }) => copy.map(({ from }) => aliasIn(from)));
  try {
    for (const { name } of requests) {
      places.push(await deps.store.place(outputKind, ownerOf(object, name), unnamed));
    }
    const composed = await withSources(context, deps, sources, {
      aliases,
      work: (dirs) =>
        withSpan('compose', {}, () => composeInto(context, deps, { requests, places, dirs })),
    });
    const outputs: Output[] = [];
    for (const [index, result] of composed.entries()) {
      if ('problem' in result) continue;
      const [request, place] = [requests[index] as OutputRequest, places[index] as ArtifactPlace];
      outputs.push(await store(context, deps, { request, place, result, sources }));
    }
    return { outputs, failure: failureOf(requests, composed) };
  } finally {
    await Promise.all(places.map((place) => place.discard()));
  }
}

function aliasIn(from: string): string {
  return /^@([^/]+)/.exec(from)?.[1] ?? '';
}

async function composeInto(
  { object, signal }: GeneratorContext,
  { store: { digestAlgorithm }, tempDir, maxArtifactBytes }: GeneratorDeps,
  o: {
    requests: readonly OutputRequest[];
    places: readonly ArtifactPlace[];
    dirs: Record<string, string>;
  },
): Promise<Composed[]> {
  const scratchDir = await mkdtemp(join(tempDir, 'compose-'));
  const compositions = o.requests.map(({ copy }, index) => ({
    copy,
    destination: (o.places[index] as ArtifactPlace).temporary,
  }));
  const task = {
    sources: o.dirs,
    compositions,
    scratchDir,
    algorithm: digestAlgorithm,
    maxBytes: maxArtifactBytes,
  };
  try {
    return await composeInThread(task, { share: object.metadata.namespace ?? '', signal });
  } finally {
    await rm(scratchDir, { recursive: true, force: true });
  }
}

/** The name of the file says what it holds: the same content is not stored again. */
async function store(
  { object }: GeneratorContext,
  deps: GeneratorDeps,
  o: { request: OutputRequest; place: ArtifactPlace; result: PackResult; sources: ObservedSources },
): Promise<Output> {
  const { request, place, result, sources } = o;
  const owner = ownerOf(object, request.name);
  const { digest } = result;
  const filename = `${parseDigest(digest).hex}.tar.gz`;
  const there = await storedOutput(object, { ...owner, digest, filename }, request, {
    store: deps.store,
    sources,
  });
  if (there !== undefined) return there;
  const path = deps.store.pathFor(outputKind, owner, filename);
  const described = describeOutput(request, digest, sources);
  const artifact = await deps.store.commit({ ...place, path }, { ...result, ...described });
  return { request, artifact: withTrace(artifact) };
}

function failureOf(
  requests: readonly OutputRequest[],
  composed: readonly Composed[],
): RetryableError | undefined {
  const problems = composed.flatMap((result, index) =>
    'problem' in result ? [{ name: requests[index]?.name, ...result }] : [],
  );
  if (problems.length === 0) return undefined;
  const message = problems.map(({ name, problem }) => `${name}: ${problem}`).join('\n');
  const limit = problems.find(({ isOverLimit }) => isOverLimit);
  const cause = limit && new BudgetError(limit.problem);
  return new RetryableError(buildFailedReason, message, { cause });
}
