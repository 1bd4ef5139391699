import type { KubeObject } from '@sluice/shared/api';
import { fieldsOf, groupOf, mapsAt, stringAt } from '../object/object-fields.ts';
import { healthByKind } from './health-kinds.ts';
import { current, failed, type Health, inProgress, isTrue } from './health-result.ts';

export type { Health, HealthStatus } from './health-result.ts';

/**
 * Computes the health of an object from its status, by the rules of kstatus: deletion, observed generation,
 * Reconciling and Stalled conditions, then the rules of its kind, then its Ready condition. An object about which
 * nothing is known is Current.
 *
 * @param nowMs the current time in milliseconds since the epoch, against which the wait of unscheduled Pods counts
 * @see https://github.com/kubernetes-sigs/cli-utils/tree/master/pkg/kstatus
 */
export function computeHealth(object: KubeObject, nowMs: number = Date.now()): Health {
  const generic = deletionHealth(object) ?? generationHealth(object) ?? conditionHealth(object);
  if (generic !== undefined) return generic;
  const group = groupOf(object.apiVersion);
  const ofKind = healthByKind[group === '' ? object.kind : `${group}/${object.kind}`];
  if (ofKind !== undefined) return ofKind(fieldsOf(object), nowMs);
  return readyHealth(object) ?? current('Resource is current');
}

function deletionHealth({ metadata }: KubeObject): Health | undefined {
  if (!metadata.deletionTimestamp) return undefined;
  return { status: 'Terminating', message: 'Resource scheduled for deletion' };
}

/** In progress while the status is about an older spec; undefined when it is not, or does not say. */
export function generationHealth(object: KubeObject): Health | undefined {
  const status = fieldsOf(object)['status'] as { observedGeneration?: unknown } | undefined;
  const { generation } = object.metadata;
  const observed = status?.observedGeneration;
  if (generation === undefined || observed === undefined || observed === generation)
    return undefined;
  return inProgress(
    `${object.kind} generation is ${generation}, but latest observed generation is ${observed}`,
  );
}

function conditionHealth(object: KubeObject): Health | undefined {
  for (const condition of mapsAt(object, 'status', 'conditions')) {
    if (!isTrue(condition)) continue;
    if (condition['type'] === 'Reconciling') return inProgress(stringAt(condition, ['message']));
    if (condition['type'] === 'Stalled') return failed(stringAt(condition, ['message']));
  }
  return undefined;
}

function readyHealth(object: KubeObject): Health | undefined {
  const ready = mapsAt(object, 'status', 'conditions').find((c) => c['type'] === 'Ready');
  if (ready === undefined) return undefined;
  return isTrue(ready) ? current('Resource is Ready') : inProgress(stringAt(ready, ['message']));
}
