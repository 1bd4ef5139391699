import type { Field, OpenApiSchema } from '@sluice/shared/api';

/** A change to an otherwise valid object which has to get it refused. */
export interface Mutation {
  name: string;
  /** Path of the field from the object, list indices and map keys included. */
  path: (string | number)[];
  /** The value to set; unset removes the field. */
  value?: unknown;
}

const candidates = ['', ' ', '-', '!', 'none', '\n', 'ftp://host', 'é'];

/** Returns every way in which a field of a complete object can be made invalid. */
export function mutationsOf(field: Field, complete: unknown): Mutation[] {
  const path = concretePath(field.path, complete);
  const values = invalidValues(field.schema).map(([name, value]) => ({
    name: `${field.path}: ${name}`,
    path,
    value,
  }));
  const isProperty = !/(\[\]|\{\})$/.test(field.path);
  if (!(field.required && isProperty) || field.schema.default !== undefined) return values;
  return [...values, { name: `${field.path}: missing`, path }];
}

/** Returns a copy of an object with the mutation applied. */
export function mutate(object: unknown, mutation: Mutation): unknown {
  const copy = structuredClone(object);
  const last = mutation.path.at(-1) as string;
  const parent = mutation.path.slice(0, -1).reduce(step, copy) as Record<string, unknown>;
  if ('value' in mutation) parent[last] = mutation.value;
  else delete parent[last];
  return copy;
}

/** Writes a path in the way the API server names fields. */
export function formatPath(path: (string | number)[]): string {
  return path
    .map((part, i) => (typeof part === 'number' ? `[${part}]` : i === 0 ? part : `.${part}`))
    .join('');
}

function invalidValues(schema: OpenApiSchema): [string, unknown][] {
  const values: [string, unknown][] = [];
  const add = (name: string, value: unknown) => values.push([name, value]);
  if (schema.type) add('wrong type', schema.type === 'string' ? 42 : 'text');
  if (schema.enum) add('not in the enum', `${schema.enum[0]}x`);
  if (schema.pattern) add('against the pattern', against(new RegExp(schema.pattern)));
  if (schema.format === 'date-time') add('not a time', 'yesterday');
  if (schema.minimum !== undefined) add('below the minimum', schema.minimum - 1);
  if (schema.maximum !== undefined) add('above the maximum', schema.maximum + 1);
  if (schema.minLength !== undefined) add('too short', 'x'.repeat(schema.minLength - 1));
  if (schema.maxLength !== undefined) add('too long', 'x'.repeat(schema.maxLength + 1));
  if (schema.minItems !== undefined) add('too few items', []);
  return values;
}

function against(pattern: RegExp): string {
  const found = candidates.find((text) => !pattern.test(text));
  if (found === undefined) throw new Error(`no candidate is against ${pattern}: add one`);
  return found;
}

/** Fills in the index and key of the lists and maps on the path of a field. */
export function concretePath(path: string, complete: unknown): (string | number)[] {
  const parts: (string | number)[] = [];
  for (const token of path.match(/\[\]|\{\}|[^.[\]{}]+/g) ?? []) {
    if (token === '[]') parts.push(0);
    else if (token === '{}')
      parts.push(Object.keys(parts.reduce(step, complete) as object)[0] ?? '');
    else parts.push(token);
  }
  return parts;
}

function step(value: unknown, part: string | number): unknown {
  return (value as Record<string, unknown>)[part];
}
