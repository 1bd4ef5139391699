import type { KubeObject } from '@sluice/shared/api';
import { errorMessage, mapConcurrently } from '@sluice/shared/base';
import type { KubeClient } from '@sluice/shared/kube';
import { type ApiResource, coreResources, watchObject } from '@sluice/shared/kube';
import { computeHealth } from '../health/health.ts';
import { mapsAt, stringAt } from '../object/object-fields.ts';
import { displayName, type ObjectId, objectIdOf } from '../object/object-id.ts';
import { ObjectError } from './apply-error.ts';

/** Returns the resources that a CustomResourceDefinition adds to the API, one per served version. */
export function resourcesOfCrd(crd: KubeObject): ApiResource[] {
  const group = stringAt(crd, ['spec', 'group']);
  const kind = stringAt(crd, ['spec', 'names', 'kind']);
  const plural = stringAt(crd, ['spec', 'names', 'plural']);
  const namespaced = stringAt(crd, ['spec', 'scope']) === 'Namespaced';
  return mapsAt(crd, 'spec', 'versions')
    .filter((version) => version['served'] === true)
    .map((version) => ({
      group,
      version: stringAt(version, ['name']),
      kind,
      plural,
      namespaced,
    }));
}

/** Definitions waited for at a time. */
const waitsAtATime = 8;

/**
 * Waits until the API server serves the kinds of the given definitions.
 *
 * @param o.timeoutMs milliseconds for all of them together
 * @returns one failure per definition that was refused or took too long
 */
export async function establishCrds(
  crds: KubeObject[],
  o: { client: KubeClient; timeoutMs: number; signal?: AbortSignal },
): Promise<{ id: ObjectId; error: Error }[]> {
  const deadline = Date.now() + o.timeoutMs;
  const problems = await mapConcurrently(crds, waitsAtATime, (crd) => establish(crd, deadline, o));
  return crds.flatMap((crd, index) => {
    const id = objectIdOf(crd);
    const problem = problems[index];
    if (problem === undefined) return [];
    return [{ id, error: new ObjectError(id, `${displayName(crd)} ${problem}`) }];
  });
}

/** Returns what kept the definition from being established. */
async function establish(
  crd: KubeObject,
  deadline: number,
  o: { client: KubeClient; timeoutMs: number; signal?: AbortSignal },
): Promise<string | undefined> {
  let health = computeHealth(crd);
  const settled = () => health.status === 'Current' || health.status === 'Failed';
  if (!settled()) {
    try {
      await watchObject({
        client: o.client,
        resource: coreResources.customResourceDefinitions,
        key: { name: crd.metadata.name },
        until: (seen) => {
          if (seen !== undefined) health = computeHealth(seen);
          return settled();
        },
        timeoutMs: Math.max(1, deadline - Date.now()),
        signal: o.signal,
        what: 'it to be served',
      });
    } catch (error) {
      o.signal?.throwIfAborted();
      return `is not established after ${o.timeoutMs / 1000}s (${health.message}): ${errorMessage(error)}`;
    }
  }
  return health.status === 'Failed' ? `cannot be established: ${health.message}` : undefined;
}
