import { allKinds, type Field, fieldsOf, type KindDefinition } from '@sluice/shared/api';
import { makeConsistent } from '../../libs/shared/test/api/consistent.ts';
import { concretePath, mutate } from '../../libs/shared/test/api/invalid.ts';
import { type AnyObject, completeObject } from '../../libs/shared/test/api/objects.ts';

/** An object that the schema may let through and nobody would write. */
export interface OddObject {
  kind: KindDefinition;
  /** Which field is odd, and how. */
  what: string;
  object: AnyObject;
}

/** What a text is made of that nobody limits: much, and less than what the API server takes of an object. */
const longText = 10_000;
const manyItems = 200;

function largest({ schema }: Field, value: unknown): unknown {
  if (typeof value === 'string')
    return 'x'.repeat(Math.min(schema.maxLength ?? longText, longText));
  if (typeof value === 'number') return schema.maximum ?? Number.MAX_SAFE_INTEGER;
  if (Array.isArray(value))
    return Array(Math.min(schema.maxItems ?? manyItems, manyItems)).fill(value[0]);
  if (typeof value !== 'object' || value === null) return value;
  if (schema.additionalProperties === undefined) return value;
  const [one] = Object.values(value);
  return Object.fromEntries(Array.from({ length: manyItems }, (_, at) => [`key-${at}`, one]));
}

function empty(value: unknown): unknown {
  if (typeof value === 'string') return '';
  if (typeof value === 'number') return 0;
  if (Array.isArray(value)) return [];
  return typeof value === 'object' ? {} : false;
}

function valueAt(object: unknown, path: readonly (string | number)[]): unknown {
  return path.reduce<unknown>(
    (value, part) => (value as Record<string | number, unknown> | undefined)?.[part],
    object,
  );
}

function variantsOf(kind: KindDefinition, field: Field, complete: AnyObject): OddObject[] {
  const path = concretePath(field.path, complete);
  const value = valueAt(complete, path);
  const odd = (how: string, mutation: { value?: unknown }) => ({
    kind,
    what: `${kind.kind} with ${field.path} ${how}`,
    object: mutate(complete, { name: '', path, ...mutation }) as AnyObject,
  });
  const isDirect = path.length <= 2;
  return [
    odd('missing', {}),
    ...(isDirect ? [odd('null', { value: null })] : []),
    odd('empty', { value: empty(value) }),
    odd('of the largest size', { value: largest(field, value) }),
  ];
}

/** Whether a path leads to something; the fields that rule each other out are not all there. */
function isThere(path: string, object: AnyObject): boolean {
  try {
    return valueAt(object, concretePath(path, object)) !== undefined;
  } catch {
    // Something on the way to it is missing.
    return false;
  }
}

/** Every kind with every field of its spec missing, null, empty or large, and the spec itself; no object comes twice. */
export function oddObjects(): OddObject[] {
  const all = allKinds.flatMap((kind) => {
    const complete = completeObject(kind);
    delete complete.status;
    complete.spec = makeConsistent(kind.kind, complete.spec);
    if ('suspend' in complete.spec) complete.spec['suspend'] = false;
    return fieldsOf(kind)
      .filter(({ path }) => /^spec($|[.[{])/.test(path) && path !== 'spec.suspend')
      .filter(({ path }) => isThere(path, complete))
      .flatMap((field) => variantsOf(kind, field, complete));
  });
  // What is empty already, and what is no larger than it was, differ from others by their name alone.
  return [...new Map(all.map((odd) => [JSON.stringify(odd.object), odd])).values()];
}
