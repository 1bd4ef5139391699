import {
  apiVersionOf,
  type KindDefinition,
  type KubeObject,
  type KustomizationStatus,
  type Plan,
  type PlannedObject,
  planKind,
} from '@sluice/shared/api';
import { sha256Hex } from '@sluice/shared/base';
import { isNotFound, type KubeClient, resourceOf } from '@sluice/shared/kube';
import type { ChangePlan } from './change-plan.ts';

type PlanSummary = NonNullable<KustomizationStatus['plan']>;

const kind = planKind as KindDefinition;
const resource = resourceOf(kind);
/** Longest name of an object. */
const maxName = 253;
/** Most characters of the objects of a plan as JSON; the API server takes objects of 1.5 MiB. */
const maxContent = 700_000;

/** Returns the name of the Plan of an object; one whose own name leaves no room is named by a checksum. */
export function planNameOf({ kind: of, metadata }: KubeObject): string {
  const name = `${of.toLowerCase()}-${metadata.name}`;
  if (name.length <= maxName) return name;
  const sum = sha256Hex(name).slice(0, 16);
  return `${name.slice(0, maxName - sum.length - 1).replace(/[^a-z0-9]+$/, '')}-${sum}`;
}

/** Returns as many objects as there is room for. */
function fitting(objects: readonly PlannedObject[]): PlannedObject[] {
  const shown: PlannedObject[] = [];
  let length = 0;
  for (const object of objects) {
    length += Buffer.byteLength(JSON.stringify(object));
    if (length > maxContent) break;
    shown.push(object);
  }
  return shown;
}

function planObject(owner: KubeObject, plan: ChangePlan, revision: string): Plan {
  const { name, namespace, uid = '' } = owner.metadata;
  const objects = fitting(plan.objects);
  const omitted = plan.objects.length - objects.length;
  return {
    apiVersion: apiVersionOf(kind),
    kind: kind.kind,
    metadata: {
      name: planNameOf(owner),
      ...(namespace !== undefined && { namespace }),
      ownerReferences: [
        { apiVersion: owner.apiVersion, kind: owner.kind, name, uid, controller: true },
      ],
    },
    spec: {
      targetRef: { kind: owner.kind as Plan['spec']['targetRef']['kind'], name },
      digest: plan.digest,
      revision,
      create: plan.create,
      change: plan.change,
      delete: plan.delete,
      objects,
      ...(omitted > 0 && { omitted }),
    },
  };
}

/**
 * Stores what a change would do as the Plan of an object, in place of the one before.
 *
 * @param o.client of the controller itself
 * @returns what the status says of it
 * @throws ApiError, ConnectionError when it cannot be stored
 */
export async function publishPlan(
  owner: KubeObject,
  plan: ChangePlan,
  o: { client: KubeClient; controllerName: string; revision: string; signal: AbortSignal },
): Promise<PlanSummary> {
  const { client, controllerName, revision, signal } = o;
  const { create, change, delete: deletions, digest } = plan;
  const object = planObject(owner, plan, revision);
  await client.apply(resource, object, {
    fieldManager: controllerName,
    force: true,
    signal,
  });
  const { namespace, name } = object.metadata;
  const url = `/apis/${apiVersionOf(kind)}/namespaces/${namespace}/${kind.plural}/${name}`;
  return { digest, revision, create, change, delete: deletions, url };
}

/**
 * Removes the Plan of an object that waits for nothing any more.
 *
 * @throws ApiError, ConnectionError when it cannot be removed
 */
export async function withdrawPlan(
  owner: KubeObject,
  { client, signal }: { client: KubeClient; signal: AbortSignal },
): Promise<void> {
  const { namespace } = owner.metadata;
  try {
    await client.delete(resource, { name: planNameOf(owner), namespace }, { signal });
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}
