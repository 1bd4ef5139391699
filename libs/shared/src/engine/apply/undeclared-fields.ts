import type { KubeObject } from '@sluice/shared/api';
import { isExactInteger } from '@sluice/shared/base';
import {
  ApiError,
  type ApiResource,
  type ApplyPatchOptions,
  type KubeClient,
} from '@sluice/shared/kube';
import { isMap, type JsonMap } from '../object/object-fields.ts';
import type { ApplierIdentity } from '../owner/applier-identity.ts';

/** Who applies, and how. */
export interface Applying {
  client: KubeClient;
  identity: ApplierIdentity;
  signal?: AbortSignal | undefined;
}

/** Groups that are part of Kubernetes. What is unknown in an object of another one may be a mistake in its definition. */
const builtInGroups = new Set([
  '',
  'apps',
  'autoscaling',
  'batch',
  'policy',
  ...[
    'admissionregistration',
    'authentication',
    'authorization',
    'certificates',
    'coordination',
    'discovery',
    'events',
    'flowcontrol.apiserver',
    'networking',
    'node',
    'rbac.authorization',
    'resource',
    'scheduling',
    'storage',
  ].map((name) => `${name}.k8s.io`),
]);

const undeclared = /^\s*(?:.*?\): )?(\.\S.*): field not declared in schema$/gm;

/** Whether unknown fields of a kind are left out; Flux passes the roles on as they are. */
function mayLackFields({ group, kind }: ApiResource): boolean {
  return builtInGroups.has(group) && kind !== 'Role' && kind !== 'ClusterRole';
}

/**
 * Applies an object under the name of an applier, over whatever others have applied.
 *
 * @throws what `KubeClient.apply` throws
 */
export function applyAs(
  { client, identity, signal }: Applying,
  resource: ApiResource,
  payload: KubeObject,
  o: { dryRun?: boolean } = {},
): Promise<{ object: KubeObject; created: boolean }> {
  const options = { fieldManager: identity.fieldManager, force: true, signal, ...o };
  if (!identity.leavesOutUnknown) return client.apply(resource, payload, options);
  return applyDeclared(client, resource, payload, options);
}

/** Rounds in which the server may find more unknown fields. */
const maxRounds = 3;

/**
 * Applies an object without the fields that its kind, when it is one of Kubernetes, does not have: the API server refuses
 * such objects, and names the fields.
 *
 * @throws what `KubeClient.apply` throws
 */
async function applyDeclared(
  client: KubeClient,
  resource: ApiResource,
  payload: KubeObject,
  options: ApplyPatchOptions,
): Promise<{ object: KubeObject; created: boolean }> {
  let sent = payload;
  for (let round = 1; ; round++) {
    try {
      return await client.apply(resource, sent, options);
    } catch (error) {
      const known = mayLackFields(resource) ? withoutUndeclared(sent, error) : undefined;
      if (known === undefined || round >= maxRounds) throw error;
      sent = known;
    }
  }
}

/** Returns the object without the fields that the answer says are unknown; undefined when it says so of none. */
export function withoutUndeclared(object: KubeObject, error: unknown): KubeObject | undefined {
  if (!(error instanceof ApiError)) return undefined;
  const paths = [...error.message.matchAll(undeclared)].map(([, path]) => path ?? '');
  if (paths.length === 0) return undefined;
  const copy = copyOf(object) as KubeObject;
  const removed = paths.filter((path) => remove(copy, path));
  return removed.length === 0 ? undefined : copy;
}

/** Copies containers only: numbers that are kept exactly are objects, too, and must stay what they are. */
function copyOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(copyOf);
  if (!isMap(value) || isExactInteger(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, copyOf(part)]));
}

/** Removes the field at a path, written as in `.spec.containers[name="web"].image`; returns whether there was one. */
function remove(value: unknown, path: string): boolean {
  if (isMap(value)) return removeFromMap(value, path);
  if (!Array.isArray(value)) return false;
  const end = endOfSelector(path);
  const selector = path.slice(1, end);
  const found = value.findIndex((item, index) => isSelected(item, index, selector));
  return end > 0 && found >= 0 && remove(value[found], path.slice(end + 1));
}

/** Names may hold dots, so that the keys which are there tell where one ends. */
function removeFromMap(map: JsonMap, path: string): boolean {
  for (const key of Object.keys(map)) {
    if (!path.startsWith(`.${key}`)) continue;
    const rest = path.slice(key.length + 1);
    if (rest === '') return delete map[key];
    if ((rest.startsWith('.') || rest.startsWith('[')) && remove(map[key], rest)) return true;
  }
  return false;
}

/** Returns the position of the bracket that ends a selector; texts in it are JSON. */
function endOfSelector(path: string): number {
  const match = /^\[(?:"(?:[^"\\]|\\.)*"|[^"\]])*\]/.exec(path);
  return match === null ? -1 : match[0].length - 1;
}

const keyValue = /([^=,]+)=("(?:[^"\\]|\\.)*"|[^,]+)/g;

function isSelected(item: unknown, index: number, selector: string): boolean {
  if (/^\d+$/.test(selector)) return index === Number(selector);
  const keys = [...selector.matchAll(keyValue)];
  if (keys.length === 0 || !isMap(item)) return false;
  // The server gives the defaults of keys that an item does not set.
  return keys.every(([, key = '', text = '']) => {
    const own = item[key];
    return own === undefined || JSON.stringify(own) === text;
  });
}
