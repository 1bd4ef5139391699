import type { KubeObject } from '@sluice/shared/api';
import { mapConcurrently } from '@sluice/shared/base';
import { isCrd } from '../object/object-fields.ts';
import { objectIdOf } from '../object/object-id.ts';
import {
  type AppliedChange,
  type ApplyContext,
  type ApplyOptions,
  type ApplyResult,
  applyContext,
  type ObjectFailure,
} from './apply-context.ts';
import { establishCrds, resourcesOfCrd } from './apply-crds.ts';
import { ObjectError } from './apply-error.ts';
import { applyObject } from './apply-object.ts';
import { stagesOf } from './apply-stages.ts';
import { checkObjects } from './apply-validate.ts';
import { hasChanged } from './describe-applied.ts';

/**
 * Applies objects with server-side apply, stage by stage: each stage stands on the ones before it, and the kinds that
 * its definitions add are served before the next one starts. What is refused does not keep the rest from being applied.
 *
 * @returns what happened to each object; failures name theirs and hold no value of a Secret
 * @throws the signal's reason when aborted, nothing else
 */
export async function applyObjects(objects: KubeObject[], o: ApplyOptions): Promise<ApplyResult> {
  const ctx = applyContext(o);
  const { valid, failures } = checkObjects(objects);
  const result: ApplyResult = { changes: [], failures };
  for (const stage of stagesOf(valid, { customStageKinds: o.customStageKinds })) {
    const { changes, errors } = await applyStage(stage, ctx, result.changes.some(hasChanged));
    result.changes.push(...changes);
    for (const [object, error] of errors) result.failures.push({ id: objectIdOf(object), error });
    result.failures.push(...(await serveKinds(changes, ctx)));
  }
  return result;
}

interface StageResult {
  changes: AppliedChange[];
  errors: Map<KubeObject, Error>;
}

/** Applies a stage, and once more what may have been refused only for lack of something that this run has made. */
async function applyStage(
  stage: KubeObject[],
  ctx: ApplyContext,
  changedBefore: boolean,
): Promise<StageResult> {
  const { changes, errors } = await applyAll(stage, ctx);
  const missing = stage.filter((object) => hasStatus(errors.get(object), 404));
  const forbidden = stage.filter((object) => hasStatus(errors.get(object), 403));
  // A kind that the mapper knows but the server does not was removed.
  if (missing.length > 0) ctx.refreshKinds();
  const changed = changedBefore || changes.some(hasChanged);
  const again = [...missing, ...(changed ? forbidden : [])];
  const second = await applyAll(again, ctx);
  for (const object of again) errors.delete(object);
  for (const [object, error] of second.errors) errors.set(object, error);
  return { changes: [...changes, ...second.changes], errors };
}

function hasStatus(error: Error | undefined, status: number): boolean {
  return error instanceof ObjectError && error.status === status;
}

async function applyAll(objects: KubeObject[], ctx: ApplyContext): Promise<StageResult> {
  const result: StageResult = { changes: [], errors: new Map() };
  await mapConcurrently(objects, ctx.concurrency, async (object) => {
    ctx.signal?.throwIfAborted();
    try {
      result.changes.push(await applyObject(object, ctx));
    } catch (error) {
      ctx.signal?.throwIfAborted();
      result.errors.set(object, error as Error);
    }
  });
  return result;
}

/** Waits until the kinds of applied definitions are served, and tells the mapper of them. */
async function serveKinds(changes: AppliedChange[], ctx: ApplyContext): Promise<ObjectFailure[]> {
  const definitions = changes.filter(({ object, action }) => isCrd(object) && action !== 'skipped');
  if (definitions.length === 0) return [];
  const failures = await establishCrds(
    definitions.map(({ object }) => object),
    ctx,
  );
  ctx.learned.push(...definitions.flatMap(({ object }) => resourcesOfCrd(object)));
  if (definitions.some(hasChanged)) ctx.refreshKinds();
  else ctx.client.mapper.learn(ctx.learned);
  return failures;
}
