import type { KubeObject } from '@sluice/shared/api';
import { fieldAt, fieldsOf, isMap } from '../object/object-fields.ts';
import type { Health } from './health-result.ts';

const remedy = 'say in healthCheckExprs how to read this kind';

function unknown(field: string, expected: string): Health {
  return { status: 'Unknown', message: `${field} is not ${expected}; ${remedy}` };
}

/** Returns Unknown when `status.observedGeneration` is there and is no generation, as kinds of others may have it. */
export function malformedGeneration(object: KubeObject): Health | undefined {
  const status = fieldsOf(object)['status'] ?? {};
  if (!isMap(status)) return unknown('status', 'a map');
  const { observedGeneration } = status;
  if (observedGeneration === undefined || Number.isInteger(observedGeneration)) return undefined;
  return unknown('status.observedGeneration', 'a number');
}

/** Returns Unknown when `status.conditions` is there and holds no conditions, as kinds of others may have it. */
export function malformedConditions(object: KubeObject): Health | undefined {
  const status = fieldsOf(object)['status'] ?? {};
  if (!isMap(status)) return unknown('status', 'a map');
  const conditions = status['conditions'] ?? [];
  if (!Array.isArray(conditions)) return unknown('status.conditions', 'a list');
  for (const [index, condition] of conditions.entries()) {
    const at = `status.conditions[${index}]`;
    if (!isMap(condition ?? {})) return unknown(at, 'a map');
    const odd = ['type', 'status', 'reason', 'message'].find((field) => {
      return typeof (fieldAt(condition, field) ?? '') !== 'string';
    });
    if (odd !== undefined) return unknown(`${at}.${odd}`, 'a string');
  }
  return undefined;
}
