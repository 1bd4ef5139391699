import type { KubeObject } from '@sluice/shared/api';
import type { ApiResource, KubeClient } from '@sluice/shared/kube';
import { type ApiError, isAlreadyExists, isConflict, isNotFound } from '@sluice/shared/kube';
import { fieldsOf, groupOf, type JsonMap } from '../object/object-fields.ts';
import { objectIdOf } from '../object/object-id.ts';
import type { ApplierIdentity } from '../owner/applier-identity.ts';
import { deleteAndWait } from '../prune/delete-and-wait.ts';
import type { AppliedChange, ApplyAction } from './apply-context.ts';
import { isImmutableError, objectError } from './apply-error.ts';
import { payloadOf } from './apply-payload.ts';
import type { MergeSchema } from './strategic-merge-schema.ts';
import { mergeSchemaOf } from './strategic-merge-schemas.ts';
import { threeWayPatch } from './three-way-merge.ts';

export interface ClientSideApplyOptions {
  client: KubeClient;
  resource: ApiResource;
  /** The object as it was last applied; when absent, what is in the cluster stands for it. */
  original?: KubeObject;
  target: KubeObject;
  /** As what to apply. */
  identity: ApplierIdentity;
  /** Replaces the object instead of patching it, and recreates it when an immutable field changes. */
  force?: boolean;
  /**
   * Brings back fields of custom resources that others changed. Helm does so only when an install takes over objects;
   * else it sends what differs between the two manifests.
   */
  correctsCustomResources?: boolean;
  signal?: AbortSignal;
}

/** Attempts while others create, change or delete the object at the same time. */
const maxAttempts = 5;
/** Milliseconds that an object may take to be gone before it is recreated. */
const deletionTimeoutMs = 60_000;

/**
 * Applies one object as Helm does without server-side apply: creates it, or patches the fields in which it differs from
 * the target and removes those that the target has no longer; what others have added stays. Makes one request to look
 * at the object, and one more when there is something to do.
 *
 * Better than Helm, it removes keys of `stringData`, changes the right one of two ports with the same number, and
 * leaves finalizers, owners and status alone when there is no original.
 *
 * @throws ObjectError naming the object and why it was refused; the signal's reason when aborted
 */
export async function applyClientSide(o: ClientSideApplyOptions): Promise<AppliedChange> {
  try {
    const target = payloadOf(o.target, o.resource);
    const change = await applyWithRetries({ ...o, target });
    return { ...change, id: objectIdOf(target) };
  } catch (error) {
    o.signal?.throwIfAborted();
    throw objectError(o.target, 'apply', error);
  }
}

interface Change {
  object: KubeObject;
  action: ApplyAction;
}

async function applyWithRetries(o: ClientSideApplyOptions): Promise<Change> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await applyOnce(o);
    } catch (error) {
      if (attempt === maxAttempts || !wasRaced(error)) throw error;
    }
  }
}

/** Whether somebody else was faster, so that another look leads on. */
function wasRaced(error: unknown): boolean {
  if (isAlreadyExists(error)) return true;
  if (isConflict(error)) return !isImmutableError(error);
  // What a creation does not find is its namespace.
  return isNotFound(error) && (error as ApiError).verb !== 'POST';
}

async function applyOnce(o: ClientSideApplyOptions): Promise<Change> {
  const { client, resource, target, signal } = o;
  const { fieldManager } = o.identity;
  const live = await fetchIfPresent(o);
  if (live === undefined) {
    const object = await client.create(resource, target, { fieldManager, signal });
    return { object, action: 'created' };
  }
  if (o.force) return replace(o, live);
  const schema = await mergeSchemaOf(client, resource);
  const patch = patchFor(o, live, schema);
  if (Object.keys(patch).length === 0) return { object: live, action: 'unchanged' };
  const type = schema === undefined ? 'merge' : 'strategic';
  const key = target.metadata;
  const object = await client.patch<KubeObject>(resource, key, patch, {
    type,
    fieldManager: o.identity.fieldManager,
    signal,
  });
  return changeFrom(live, object);
}

async function fetchIfPresent({
  client,
  resource,
  target,
  signal,
}: ClientSideApplyOptions): Promise<KubeObject | undefined> {
  try {
    return await client.get<KubeObject>(resource, target.metadata, { signal });
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

function changeFrom(live: KubeObject, object: KubeObject): Change {
  const isSame = live.metadata.resourceVersion === object.metadata.resourceVersion;
  return { object, action: isSame ? 'unchanged' : 'configured' };
}

function patchFor(
  o: ClientSideApplyOptions,
  live: KubeObject,
  schema: MergeSchema | undefined,
): JsonMap {
  const { original, target, resource } = o;
  const former =
    original === undefined ? asOriginal(live) : payloadOf(as(original, target), resource);
  const isTwoWay = schema === undefined && !o.correctsCustomResources;
  const states = {
    original: fieldsOf(former),
    target: fieldsOf(target),
    live: fieldsOf(isTwoWay ? former : live),
  };
  return threeWayPatch(states, schema ?? new Map());
}

/** Gives an object the identity of another, which a chart may state in one revision and leave out in the next. */
function as(original: KubeObject, { apiVersion, kind, metadata }: KubeObject): KubeObject {
  const { name, namespace } = metadata;
  return { ...original, apiVersion, kind, metadata: { ...original.metadata, name, namespace } };
}

/** Returns the part of a live object that may have come from a manifest. */
function asOriginal(live: KubeObject): KubeObject {
  const { name, namespace, labels = {}, annotations = {} } = live.metadata;
  const { status: _, ...rest } = live as KubeObject & { status?: unknown };
  return { ...rest, metadata: { name, namespace, labels, annotations } };
}

/** Kinds whose objects hold what a recreated one would not have; with `force`, too, Helm only ever replaces. */
const neverRecreated = new Set([
  '/Namespace',
  '/PersistentVolume',
  '/PersistentVolumeClaim',
  'apiextensions.k8s.io/CustomResourceDefinition',
]);

async function replace(o: ClientSideApplyOptions, live: KubeObject): Promise<Change> {
  const { client, resource, target, signal } = o;
  const { fieldManager } = o.identity;
  const { resourceVersion } = live.metadata;
  const replacement = { ...target, metadata: { ...target.metadata, resourceVersion } };
  try {
    // Helm asks for it here, and neither when it creates nor when it patches.
    const strict = { fieldManager, fieldValidation: 'Strict', signal } as const;
    const object = await client.replace(resource, replacement, strict);
    return changeFrom(live, object);
  } catch (error) {
    const kind = `${groupOf(target.apiVersion)}/${target.kind}`;
    if (!isImmutableError(error) || neverRecreated.has(kind)) throw error;
  }
  const gone = await deleteAndWait(client, resource, target, {
    timeoutMs: deletionTimeoutMs,
    signal,
  });
  const object = await client.create(resource, target, { fieldManager, signal });
  return { object, action: gone ? 'recreated' : 'created' };
}
