import type { KubeObject } from '@sluice/shared/api';
import { fieldAt, fieldsOf, groupOf, mapsAt, stringAt } from '../object/object-fields.ts';
import { customHealth } from './custom-health.ts';
import { customKindOf } from './custom-kinds.ts';
import { healthByKind, jobHealth } from './health-kinds.ts';
import { current, failed, type Health, inProgress, isTrue } from './health-result.ts';
import { malformedConditions, malformedGeneration } from './malformed-status.ts';

export type { Health, HealthStatus } from './health-result.ts';

/**
 * Computes the health of an object from its status, with the verdicts of Flux, which are those of kstatus: deletion,
 * observed generation, Reconciling and Stalled conditions, then the rules of its kind, then its Ready condition. An
 * object about which nothing is known is Current, one whose status has another form than these rules ask for is Unknown.
 * Jobs are judged by how they end, also while they are deleted, and some kinds of others by rules of ours.
 *
 * @param nowMs the current time in milliseconds since the epoch, against which the wait of unscheduled Pods counts
 * @see https://github.com/kubernetes-sigs/cli-utils/tree/master/pkg/kstatus
 */
export function computeHealth(object: KubeObject, nowMs: number = Date.now()): Health {
  const group = groupOf(object.apiVersion);
  const key = group === '' ? object.kind : `${group}/${object.kind}`;
  if (key === 'batch/Job') return jobHealth(object);
  const custom = customKindOf(key);
  if (custom !== undefined)
    return deletionHealth(object) ?? conditionHealth(object) ?? customHealth(object, custom);
  const generic =
    deletionHealth(object) ??
    generationHealth(object) ??
    malformedConditions(object) ??
    conditionHealth(object);
  if (generic !== undefined) return generic;
  const ofKind = healthByKind[key];
  if (ofKind !== undefined) return ofKind(fieldsOf(object), nowMs);
  return readyHealth(object) ?? current('Resource is current');
}

function deletionHealth({ metadata }: KubeObject): Health | undefined {
  if (!metadata.deletionTimestamp) return undefined;
  return { status: 'Terminating', message: 'Resource scheduled for deletion' };
}

/** In progress while the status is about an older spec; undefined when it is about this one, or does not say. */
export function generationHealth(object: KubeObject): Health | undefined {
  const { generation } = object.metadata;
  if (generation === undefined) return undefined;
  const malformed = malformedGeneration(object);
  if (malformed !== undefined) return malformed;
  const observed = fieldAt(object, 'status', 'observedGeneration');
  if (observed === undefined || observed === generation) return undefined;
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

const readyStates = ['True', 'False', 'Unknown'];

function readyHealth(object: KubeObject): Health | undefined {
  const ready = mapsAt(object, 'status', 'conditions').find(
    ({ type, status }) => type === 'Ready' && readyStates.includes(String(status)),
  );
  if (ready === undefined) return undefined;
  return isTrue(ready) ? current('Resource is Ready') : inProgress(stringAt(ready, ['message']));
}
