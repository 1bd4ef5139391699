import type { KubeObject } from '@sluice/shared/api';
import type { Found } from './verdict-states.ts';

type Path = (string | number)[];

/** Below these lies what health is read from. */
const roots: Path[] = [['spec'], ['status']];

/** Every workload has a selector, by which Flux looks for Pods. */
function isOptional([root, field]: Path): boolean {
  return root !== 'spec' || (field !== undefined && field !== 'selector');
}

function valueAt(value: unknown, path: Path): unknown {
  return path.reduce((at, key) => (at as Record<string, unknown> | undefined)?.[key], value);
}

function pathsBelow(value: unknown, path: Path): Path[] {
  if (typeof value !== 'object' || value === null) return value === undefined ? [] : [path];
  const keys = Array.isArray(value) ? value.keys() : Object.keys(value);
  const below = [...keys].flatMap((key) => pathsBelow(valueAt(value, [key]), [...path, key]));
  return [path, ...below];
}

/** What may stand where a value stands. */
function othersThan(value: unknown): unknown[] {
  if (typeof value === 'number') return [value + 1, value - 1, 0, '1'];
  if (typeof value === 'string') return ['', 'Other', 'True', 'False', 'Unknown', 7];
  if (typeof value === 'boolean') return [!value];
  if (Array.isArray(value)) return [[], value.toReversed(), 'none', {}];
  return [{}, 'none', []];
}

function changed(object: KubeObject, path: Path, value: unknown): KubeObject {
  const copy = structuredClone(object);
  const parent = valueAt(copy, path.slice(0, -1)) as Record<string, unknown>;
  const [last = ''] = path.slice(-1);
  if (value === undefined) delete parent[last];
  else parent[last] = value;
  return copy;
}

/** Every object that differs from one in a single field of what its health is read from. */
export function mutationsOf({ name, object }: Found): Found[] {
  const paths = roots.flatMap((root) => pathsBelow(valueAt(object, root), root));
  return paths.filter(isOptional).flatMap((path) => {
    const inList = typeof path.at(-1) === 'number';
    const values = othersThan(valueAt(object, path));
    return [...(inList ? [] : [undefined]), ...values].map((value) => ({
      name: `${name}, ${path.join('.')} ${value === undefined ? 'removed' : JSON.stringify(value)}`,
      object: changed(object, path, value),
    }));
  });
}
