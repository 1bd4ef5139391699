import type { KubeObject } from '@sluice/shared/api';
import { type FieldSet, isLeaf, unionOf } from '../object/field-set.ts';
import { valueAt } from '../object/json-pointer.ts';
import type { DriftIgnoreRule } from './drift-ignore.ts';

/**
 * Annotations by which people and controllers run an object, whatever its source says: when `kubectl rollout restart`
 * was called last, and the revision at which the controller of Deployments counts.
 */
const operationalPaths = [
  ['spec', 'template', 'metadata', 'annotations', 'kubectl.kubernetes.io/restartedAt'],
  ['metadata', 'annotations', 'deployment.kubernetes.io/revision'],
];

const pointerOf = (path: string[]) =>
  path.map((part) => `/${part.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');

/** Returns rules that leave the operational annotations which an object sets to whoever changes them; mostly none. */
export function operationalRules(object: KubeObject): DriftIgnoreRule[] {
  const paths = operationalPaths.filter((path) => valueAt(object, path) !== undefined);
  return paths.length === 0 ? [] : [{ paths: paths.map(pointerOf) }];
}

/** Splits the fields of a manager into operational annotations and the rest; a part without fields is undefined. */
export function splitOperational(fields: FieldSet): {
  operational: FieldSet | undefined;
  rest: FieldSet | undefined;
} {
  let operational: FieldSet | undefined;
  let rest: FieldSet | undefined = fields;
  for (const path of operationalPaths) {
    const keys = path.map((part) => `f:${part}`);
    const found = nested(fields, keys);
    if (found === undefined) continue;
    operational = operational === undefined ? found : unionOf(operational, found);
    rest = rest && removed(rest, keys);
  }
  return { operational, rest };
}

/** Returns the part of a set that leads to one field; undefined when the field is not in it. */
function nested(fields: FieldSet, [key, ...keys]: string[]): FieldSet | undefined {
  if (key === undefined) return fields;
  const child = fields[key];
  const below = child && nested(child, keys);
  if (below === undefined) return undefined;
  // Whoever made the map of annotations goes on owning it.
  return { ...(fields['.'] !== undefined && { '.': {} }), [key]: below };
}

/** Returns a set without one field, and without what is there for its sake alone. */
function removed(fields: FieldSet, [key, ...keys]: string[]): FieldSet | undefined {
  const child = key === undefined ? undefined : fields[key];
  if (key === undefined || child === undefined) return fields;
  const { [key]: _, ...others } = fields;
  const below = keys.length === 0 ? undefined : removed(child, keys);
  if (below !== undefined) return { ...others, [key]: below };
  const { '.': __, ...named } = others;
  return isLeaf(named) ? undefined : others;
}
