import { isDeepStrictEqual } from 'node:util';
import {
  type Artifact,
  type ArtifactGenerator,
  apiVersionOf,
  artifactGeneratorKind,
  type Condition,
  type ExternalArtifact,
  externalArtifactKind,
  generatorLabel,
  type KindDefinition,
} from '@sluice/shared/api';
import { errorMessage, RetryableError } from '@sluice/shared/base';
import { ApiError, isNotFound, keyOf, resourceOf } from '@sluice/shared/kube';
import {
  apiTime,
  conditionsOf,
  findCondition,
  readyCondition,
  withoutTrace,
} from '@sluice/shared/runtime';
import {
  controllerName,
  managedByLabel,
  reconciliationFailedReason,
  succeededReason,
} from '../names.ts';
import type { GeneratorContext, GeneratorDeps } from './deps.ts';
import { type Output, otherMakerOf, ownerOf } from './outputs.ts';

const resource = resourceOf(externalArtifactKind as KindDefinition);
const apply = { fieldManager: controllerName, force: true } as const;

/** What the ExternalArtifact of an output was before. */
export type Live = ExternalArtifact | undefined;

/**
 * Finds the ExternalArtifact of an output. The watch knows those that an ArtifactGenerator has made.
 *
 * @throws ApiError
 */
export async function findLive(
  { object, client }: GeneratorContext,
  { outputs }: Pick<GeneratorDeps, 'outputs'>,
  name: string,
): Promise<Live> {
  const key = ownerOf(object, name);
  const known = outputs.get(keyOf(key));
  if (known !== undefined) return known;
  try {
    return await client.get<ExternalArtifact>(resource, key);
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/**
 * Makes the ExternalArtifact of an output as it has to be; writes nothing when it is.
 *
 * @param isNewSpec the spec may have dropped labels or annotations, which only the API server can tell
 * @throws RetryableError `ReconciliationFailed` when the API server refuses it, or another ArtifactGenerator holds it
 */
export async function publishOutput(
  context: GeneratorContext,
  deps: GeneratorDeps,
  output: Output,
  { isNewSpec }: { isNewSpec: boolean },
): Promise<void> {
  const { object } = context;
  const { name } = output.request;
  try {
    const live = await findLive(context, deps, name);
    refuseHeld(object, live, deps);
    const applied = await applyObject(context, { output, live, isNewSpec });
    await applyStatus(context, deps, { output, live: applied });
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    throw new RetryableError(
      reconciliationFailedReason,
      `ExternalArtifact '${name}' cannot be written: ${errorMessage(error)}`,
      { cause: error, retryAfterMs: error.retryAfterMs },
    );
  }
}

/**
 * Refuses to make an ExternalArtifact that another ArtifactGenerator holds.
 *
 * @throws RetryableError `ReconciliationFailed`
 */
export function refuseHeld(
  object: ArtifactGenerator,
  live: Live,
  deps: Pick<GeneratorDeps, 'generators'>,
): void {
  const other = live && otherMakerOf(object, live, deps);
  if (other === undefined) return;
  throw new RetryableError(
    reconciliationFailedReason,
    `ExternalArtifact '${live?.metadata.name}' is made by ArtifactGenerator '${other.metadata.name}': use another name in spec.artifacts of one of the two`,
  );
}

async function applyObject(
  { object, client }: GeneratorContext,
  o: { output: Output; live: Live; isNewSpec: boolean },
): Promise<ExternalArtifact> {
  const wanted = objectOf(object, o.output);
  if (o.live !== undefined && !o.isNewSpec && includes(o.live, wanted)) return o.live;
  const { object: applied } = await client.apply<ExternalArtifact>(resource, wanted, apply);
  return applied;
}

function objectOf(object: ArtifactGenerator, { request }: Output): ExternalArtifact {
  const { name, namespace = '', uid = '' } = object.metadata;
  const { labels = {}, annotations } = object.spec.commonMetadata ?? {};
  const kind = artifactGeneratorKind;
  return {
    apiVersion: apiVersionOf(externalArtifactKind),
    kind: externalArtifactKind.kind,
    metadata: {
      name: request.name,
      namespace,
      labels: {
        ...labels,
        ...request.labels,
        [managedByLabel]: controllerName,
        [generatorLabel]: uid,
      },
      ...(annotations && { annotations }),
    },
    spec: { sourceRef: { apiVersion: apiVersionOf(kind), kind: kind.kind, name, namespace } },
  };
}

/** Whether a live object has all that is wanted; others may have put labels and annotations beside it. */
function includes(live: ExternalArtifact, wanted: ExternalArtifact): boolean {
  const has = (all: Record<string, string> = {}, some: Record<string, string> = {}) =>
    Object.entries(some).every(([key, value]) => all[key] === value);
  return (
    has(live.metadata.labels, wanted.metadata.labels) &&
    has(live.metadata.annotations, wanted.metadata.annotations) &&
    isDeepStrictEqual(live.spec, wanted.spec)
  );
}

async function applyStatus(
  { object, client, clock, logger }: GeneratorContext,
  { announcer }: GeneratorDeps,
  { output, live }: { output: Output; live: ExternalArtifact },
): Promise<void> {
  const { artifact } = output;
  const current = live.status?.artifact;
  const ready = findCondition(conditionsOf(live), readyCondition);
  if (current && isSame(current, artifact) && isReadyNow(live, ready)) return;
  const isNew = current?.digest !== artifact.digest;
  const condition = readyOf(live, ready, clock.now());
  const status = {
    artifact: isNew ? artifact : { ...artifact, lastUpdateTime: current.lastUpdateTime },
    conditions: [condition],
  };
  const { apiVersion, kind } = live;
  const key = ownerOf(object, output.request.name);
  const patch = { apiVersion, kind, metadata: key, status } as ExternalArtifact;
  await client.apply<ExternalArtifact>(resource, patch, { ...apply, subresource: 'status' });
  logger.info({ output: key.name, revision: artifact.revision }, 'Published artifact');
  const observedAt = apiTime(clock.now());
  announcer?.announce({ apiVersion, kind, ...key, artifact: status.artifact, observedAt });
}

/** When it was last made, and in which trace, is no difference. */
function isSame(a: Artifact, b: Artifact): boolean {
  const plain = (artifact: Artifact) => {
    const { lastUpdateTime: _, metadata = {}, ...rest } = withoutTrace(artifact);
    return { ...rest, metadata };
  };
  return isDeepStrictEqual(plain(a), plain(b));
}

const message = 'Artifact is ready';

function isReadyNow({ metadata }: ExternalArtifact, ready: Condition | undefined): boolean {
  return (
    ready?.status === 'True' &&
    ready.reason === succeededReason &&
    ready.message === message &&
    ready.observedGeneration === metadata.generation
  );
}

function readyOf(
  { metadata }: ExternalArtifact,
  before: Condition | undefined,
  nowMs: number,
): Condition {
  return {
    type: readyCondition,
    status: 'True',
    reason: succeededReason,
    message,
    observedGeneration: metadata.generation,
    lastTransitionTime: before?.status === 'True' ? before.lastTransitionTime : apiTime(nowMs),
  };
}
