import type { KubeObject } from '@sluice/shared/api';
import { type ApiResource, isConflict, isNotFound, type ObjectKey } from '@sluice/shared/kube';
import { matchesAnyRule, settleIgnored } from '../drift/drift-ignore.ts';
import { operationalRules } from '../drift/operational-fields.ts';
import { appliedEntry, digestValues } from '../object/compact-object.ts';
import { type FieldSet, projection } from '../object/field-set.ts';
import { isCrd } from '../object/object-fields.ts';
import { formatObjectId, objectIdOf } from '../object/object-id.ts';
import {
  type ApplyPolicy,
  applyPolicyOf,
  isExcluded,
  wantsForce,
} from '../object/object-policy.ts';
import { deleteAndWait } from '../prune/delete-and-wait.ts';
import type { AppliedChange, ApplyAction, ApplyContext } from './apply-context.ts';
import { asApplied } from './apply-equal.ts';
import { dataError, isImmutableError, objectError } from './apply-error.ts';
import { hasOverridden, takeOver } from './apply-managers.ts';
import { payloadOf } from './apply-payload.ts';
import { keepsData } from './keeps-data.ts';
import { applyAs } from './undeclared-fields.ts';

/** Attempts to take over the fields of other managers while they keep changing the object. */
const takeOverAttempts = 3;
/** Clocks of this machine and of the API server may differ by this many milliseconds. */
const clockToleranceMs = 60_000;

/**
 * Applies one object as its annotations ask, with one request unless it has to be recreated, its fields are to be taken
 * over from other managers, or the rules need to know its present state.
 *
 * @throws ObjectError naming the object and why it was refused; the signal's reason when aborted
 */
export async function applyObject(object: KubeObject, ctx: ApplyContext): Promise<AppliedChange> {
  try {
    const resource = await ctx.resourceOf(object);
    const payload = payloadOf(object, resource);
    const change = await applyPayload({ payload, resource, ctx });
    return { ...change, id: objectIdOf(payload) };
  } catch (error) {
    ctx.signal?.throwIfAborted();
    throw objectError(object, 'apply', error);
  }
}

interface Target {
  payload: KubeObject;
  resource: ApiResource;
  ctx: ApplyContext;
}

interface Change {
  object: KubeObject;
  action: ApplyAction;
  sent?: KubeObject;
  before?: KubeObject | undefined;
}

async function applyPayload(target: Target): Promise<Change> {
  const { payload, resource, ctx } = target;
  const known = ctx.live?.get(resource, keyOfObject(payload));
  if (isExcluded(payload, ctx.identity.annotationPrefix)) return skipped(known ?? payload);
  if (known !== undefined && isExcluded(known, ctx.identity.annotationPrefix))
    return skipped(known);
  const policy = applyPolicyOf(payload, ctx.identity.annotationPrefix);
  if (policy === 'IfNotPresent') {
    const present = known ?? (await fetchIfPresent(target, true));
    if (present !== undefined) return skipped(present);
  }
  if (ctx.onlyIfPresent?.has(formatObjectId(objectIdOf(payload)))) {
    if (known === undefined && (await fetchIfPresent(target, true)) === undefined)
      return skipped(payload);
  }
  if (known !== undefined && isSettled({ payload, known, policy, ctx }))
    return { object: known, action: 'unchanged' };
  const change = await bringAbout(target, { known, policy });
  return { ...change, sent: payload };
}

/** Whether the watches show an object as an apply of ours left it. Those of definitions lack what is needed of them. */
function isSettled(o: {
  payload: KubeObject;
  known: KubeObject;
  policy: ApplyPolicy;
  ctx: ApplyContext;
}): boolean {
  const { payload, known, policy, ctx } = o;
  if (isCrd(payload) || ctx.isSettled?.(payload, known) !== true) return false;
  return policy === 'Merge' || !hasOverridden(known, ctx);
}

async function bringAbout(
  target: Target,
  { known, policy }: { known: KubeObject | undefined; policy: ApplyPolicy },
): Promise<Change> {
  const { payload, ctx } = target;
  if (ctx.expectEqual) {
    const equal = await asApplied(payload, known, ctx);
    if (equal !== undefined && !(policy !== 'Merge' && hasOverridden(equal, ctx)))
      return { object: equal, action: 'unchanged' };
  }
  const startedAt = Date.now();
  const sent = await withIgnoredSettled(target);
  await ctx.beforeWrite?.();
  const applied = await applyOrRecreate({ ...target, payload: sent }, known);
  if (applied.recreated) return { object: applied.object, action: 'recreated' };
  if (applied.created) return { object: applied.object, action: 'created' };
  if (policy !== 'Merge' && hasOverridden(applied.object, ctx)) {
    const object = await overrideManagers({ ...target, payload: sent }, applied.object);
    return { object, action: 'configured', before: known };
  }
  const unchanged = isUnchanged(applied.object, { known, startedAt, ctx });
  if (unchanged) return { object: applied.object, action: 'unchanged' };
  return { object: applied.object, action: 'configured', before: known };
}

function skipped(object: KubeObject): Change {
  return { object, action: 'skipped' };
}

function keyOfObject(object: KubeObject): ObjectKey {
  return { namespace: object.metadata.namespace, name: object.metadata.name };
}

async function fetchIfPresent(
  { payload, resource, ctx }: Target,
  metadataOnly: boolean,
): Promise<KubeObject | undefined> {
  try {
    return await ctx.client.get<KubeObject>(resource, keyOfObject(payload), {
      metadataOnly,
      signal: ctx.signal,
    });
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

async function withIgnoredSettled(target: Target): Promise<KubeObject> {
  const { ignore = [], takeOver = 'all' } = target.ctx;
  const operational = takeOver === 'all' ? [] : operationalRules(target.payload);
  const rules = [...ignore, ...operational];
  if (!matchesAnyRule(target.payload, rules)) return target.payload;
  const present = await fetchIfPresent(target, false);
  if (present === undefined) return target.payload;
  return settleIgnored(target.payload, present, {
    rules,
    fieldManager: target.ctx.identity.fieldManager,
  });
}

function send({
  payload,
  resource,
  ctx,
}: Target): Promise<{ object: KubeObject; created: boolean }> {
  return applyAs(ctx, resource, payload);
}

async function applyOrRecreate(
  target: Target,
  known: KubeObject | undefined,
): Promise<{ object: KubeObject; created: boolean; recreated?: boolean }> {
  try {
    return await send(target);
  } catch (error) {
    if (!isImmutableError(error)) throw error;
    if (isProtected(target)) throw error;
    const mayRecreate = isForced(target, known) || (await mayForce(target, error));
    if (!mayRecreate) throw error;
  }
  const { payload, resource, ctx } = target;
  const gone = await deleteAndWait(ctx.client, resource, payload, ctx);
  return { ...(await send(target)), recreated: gone };
}

function isProtected({ payload, ctx }: Target): boolean {
  return ctx.protection?.(objectIdOf(payload)) !== undefined;
}

/** Whether the object itself asks to be recreated. */
function isForced({ payload, ctx }: Target, known: KubeObject | undefined): boolean {
  const { annotationPrefix } = ctx.identity;
  return (
    wantsForce(payload, annotationPrefix) ||
    (known !== undefined && wantsForce(known, annotationPrefix))
  );
}

/**
 * Whether the owner's wish to recreate what cannot be changed counts for the object.
 *
 * @throws ObjectError that says why not when data would go with it
 */
async function mayForce(target: Target, refusal: unknown): Promise<boolean> {
  const { payload, ctx } = target;
  if (ctx.force !== true) return false;
  const present = keepsData(payload) ? payload : await fetchIfPresent(target, false);
  if (present !== undefined && keepsData(present)) {
    throw dataError(payload, refusal, ctx.identity.annotationPrefix);
  }
  return true;
}

/** Takes over the fields of other managers and applies again, which removes those that the object does not ask for. */
async function overrideManagers(target: Target, seen: KubeObject): Promise<KubeObject> {
  const { resource, ctx } = target;
  let object = seen;
  for (let attempt = 0; attempt < takeOverAttempts; attempt++) {
    try {
      await takeOver(ctx.client, resource, object, {
        identity: ctx.identity,
        takeOver: ctx.takeOver,
        request: { signal: ctx.signal },
      });
    } catch (error) {
      if (!isConflict(error)) throw error;
    }
    ({ object } = await send(target));
    if (!hasOverridden(object, ctx)) break;
  }
  return object;
}

/** Whether an apply left the object as it was. */
function isUnchanged(
  applied: KubeObject,
  o: { known: KubeObject | undefined; startedAt: number; ctx: ApplyContext },
): boolean {
  const { known, startedAt, ctx } = o;
  if (known?.metadata.resourceVersion === applied.metadata.resourceVersion) return true;
  const entry = appliedEntry(applied, ctx.identity.fieldManager);
  if (entry?.time === undefined) return false;
  if (known === undefined) return Date.parse(entry.time) < startedAt - clockToleranceMs;
  // Others may have changed the object since. The server dates our fields anew, to the second, whenever an apply of ours
  // changes something; what they hold tells changes within one second apart.
  const fields = (entry.fieldsV1 ?? {}) as FieldSet;
  return (
    appliedEntry(known, ctx.identity.fieldManager)?.time === entry.time &&
    projection(digestValues(known), fields) === projection(digestValues(applied), fields)
  );
}
