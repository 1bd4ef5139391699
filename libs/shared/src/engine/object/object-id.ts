import type { KubeObject } from '@sluice/shared/api';
import { groupOf } from './object-fields.ts';

/** Identity of an object in an inventory; the version is not part of it. */
export interface ObjectId {
  /** '' for cluster-scoped objects. */
  namespace: string;
  name: string;
  /** '' for the core group. */
  group: string;
  kind: string;
}

const rbacGroup = 'rbac.authorization.k8s.io';

/** Returns the inventory identity of an object. */
export function objectIdOf(object: KubeObject): ObjectId {
  return {
    namespace: object.metadata.namespace ?? '',
    name: object.metadata.name,
    group: groupOf(object.apiVersion),
    kind: object.kind,
  };
}

/**
 * Formats an identity as `<namespace>_<name>_<group>_<kind>`. Colons, which only names of RBAC objects hold, become
 * two underscores.
 *
 * @see https://github.com/kubernetes-sigs/cli-utils/blob/master/pkg/object/objmetadata.go
 */
export function formatObjectId(id: ObjectId): string {
  const name = id.group === rbacGroup ? id.name.replaceAll(':', '__') : id.name;
  return `${id.namespace}_${name}_${id.group}_${id.kind}`;
}

/** Whether {@link parseObjectId} can read a text. */
export function isObjectId(text: string): boolean {
  return text.split('_', 4).length === 4;
}

/**
 * Parses what {@link formatObjectId} returns.
 *
 * @throws RangeError when the text has fewer than four parts
 */
export function parseObjectId(text: string): ObjectId {
  const first = text.indexOf('_');
  const last = text.lastIndexOf('_');
  const middle = last > 0 ? text.lastIndexOf('_', last - 1) : -1;
  if (first < 0 || middle <= first) {
    throw new RangeError(`inventory id '${text}' must be <namespace>_<name>_<group>_<kind>`);
  }
  return {
    namespace: text.slice(0, first),
    name: text.slice(first + 1, middle).replaceAll('__', ':'),
    group: text.slice(middle + 1, last),
    kind: text.slice(last + 1),
  };
}

/** Names an object for people, as `Deployment/namespace/name` or `Namespace/name`. */
export function displayName(object: KubeObject | ObjectId): string {
  const { namespace, name } = 'metadata' in object ? object.metadata : object;
  return namespace ? `${object.kind}/${namespace}/${name}` : `${object.kind}/${name}`;
}
