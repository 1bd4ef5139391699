import { isMap, type JsonMap } from './object-fields.ts';

/**
 * Splits a JSON Pointer into its unescaped parts.
 *
 * @throws RangeError when the pointer is not empty and does not start with a slash
 * @see https://www.rfc-editor.org/rfc/rfc6901
 */
export function parsePointer(pointer: string): string[] {
  if (pointer === '') return [];
  if (!pointer.startsWith('/')) {
    throw new RangeError(`JSON pointer '${pointer}' must start with '/', such as '/spec/replicas'`);
  }
  return pointer
    .slice(1)
    .split('/')
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** Returns the value at a path; undefined when it does not exist. */
export function valueAt(value: unknown, path: string[]): unknown {
  let current = value;
  for (const part of path) {
    if (Array.isArray(current)) current = isIndex(part) ? current[Number(part)] : undefined;
    else current = isMap(current) && Object.hasOwn(current, part) ? current[part] : undefined;
  }
  return current;
}

/** Returns a copy of a value without the part at a path; the value itself when there is no such part. */
export function without(value: unknown, path: string[]): unknown {
  if (path.length === 0 || valueAt(value, path) === undefined) return value;
  return changed(value, path, (parent, part) => {
    if (Array.isArray(parent)) parent.splice(Number(part), 1);
    else delete parent[part];
  });
}

/** Returns a copy of a value with the part at a path replaced, whose parent must exist; else the value itself. */
export function withValue(value: unknown, path: string[], part: unknown): unknown {
  const parent = valueAt(value, path.slice(0, -1));
  if (path.length === 0 || typeof parent !== 'object' || parent === null) return value;
  const key = path.at(-1) as string;
  if (Array.isArray(parent) && !(isIndex(key) && Number(key) < parent.length)) return value;
  return changed(value, path, (copy, last) => {
    (copy as JsonMap)[last] = part;
  });
}

function isIndex(part: string): boolean {
  return /^(0|[1-9]\d*)$/.test(part);
}

/** Copies the containers along a path and lets the last one be changed. */
function changed(
  value: unknown,
  [part, ...rest]: string[],
  change: (parent: JsonMap | unknown[], part: string) => void,
): unknown {
  if (part === undefined) return value;
  const copy = Array.isArray(value) ? [...value] : { ...(value as JsonMap) };
  if (rest.length === 0) change(copy, part);
  else (copy as JsonMap)[part] = changed((copy as JsonMap)[part], rest, change);
  return copy;
}
