import type { KubeObject } from '@sluice/shared/api';
import { fieldAt, isMap, isSecret } from '../object/object-fields.ts';
import { displayName, formatObjectId, type ObjectId, objectIdOf } from '../object/object-id.ts';
import { ObjectError } from './apply-error.ts';

/** Objects that may be sent, and what is wrong with the others. */
export interface Checked {
  valid: KubeObject[];
  failures: { id: ObjectId; error: Error }[];
}

/**
 * Sorts out objects that cannot be sent: without kind, apiVersion or name, twice in the set, or Secrets whose `data` is
 * not base64, which the API server would refuse with an excerpt of the value.
 */
export function checkObjects(objects: KubeObject[]): Checked {
  const checked: Checked = { valid: [], failures: [] };
  const seen = new Set<string>();
  objects.forEach((object, index) => {
    const problem = problemOf(object, index);
    const id = looseId(object);
    const key = formatObjectId(id);
    if (problem !== undefined) {
      checked.failures.push({ id, error: new ObjectError(id, problem) });
    } else if (seen.has(key)) {
      const message = `${displayName(object)} is defined more than once; remove all definitions but one`;
      checked.failures.push({ id, error: new ObjectError(id, message) });
    } else {
      checked.valid.push(object);
    }
    seen.add(key);
  });
  return checked;
}

function looseId(object: KubeObject): ObjectId {
  const { apiVersion, kind, metadata } = object as Partial<KubeObject>;
  return objectIdOf({
    apiVersion: String(apiVersion ?? ''),
    kind: String(kind ?? ''),
    metadata: { name: String(metadata?.name ?? ''), namespace: metadata?.namespace },
  });
}

function problemOf(object: KubeObject, index: number): string | undefined {
  const id = looseId(object);
  const label = `object ${index + 1} (${displayName({ ...id, kind: id.kind || '?', name: id.name || '?' })})`;
  for (const field of ['apiVersion', 'kind', 'metadata.name']) {
    const value = fieldAt(object, ...field.split('.'));
    if (typeof value !== 'string' || value === '') {
      return `${label} has no ${field}; every object needs apiVersion, kind and metadata.name`;
    }
  }
  return isSecret(object) ? secretProblem(object) : undefined;
}

const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

function secretProblem(object: KubeObject): string | undefined {
  for (const field of ['data', 'stringData']) {
    const map = fieldAt(object, field);
    if (!isMap(map)) continue;
    for (const [key, value] of Object.entries(map)) {
      if (value === null) continue;
      const path = `${displayName(object)} .${field}[${JSON.stringify(key)}]`;
      if (typeof value !== 'string') return `${path} must be a string; put quotes around the value`;
      if (field === 'data' && !base64.test(value.replace(/[\r\n]/g, ''))) {
        return `${path} is not valid base64; encode the value, or put it in stringData as it is`;
      }
    }
  }
  return undefined;
}
