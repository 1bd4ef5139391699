import { isExactInteger } from '@sluice/shared/base';
import type { TSchema } from 'typebox';
import type { KindDefinition, KubeObject } from './kind.ts';

/** What a schema says of the form of a value; limits and patterns are left to who uses the value. */
interface Form {
  type?: string;
  enum?: readonly unknown[];
  required?: readonly string[];
  properties?: Record<string, TSchema>;
  items?: TSchema;
  additionalProperties?: TSchema | boolean;
}

type Fields = Record<string, unknown>;

/**
 * Finds the first field of an object's spec that has not the form of its kind's schema: a missing one that is required,
 * or one of another type or outside of its list of values. The API server lets an object without spec pass, and keeps
 * what was stored under an earlier schema.
 *
 * @returns what is wrong and how to correct it, in words for a condition; undefined when nothing is
 */
export function wrongFieldOf(kind: KindDefinition, object: KubeObject): string | undefined {
  const { spec } = object as { spec?: unknown };
  if (spec === undefined || spec === null) {
    return `spec is missing: write the ${kind.kind} with a spec`;
  }
  return wrongIn('spec', spec, specSchemaOf(kind));
}

/** Returns the object with a spec that lacks the fields which {@link wrongFieldOf} finds wrong; empty when it has none. */
export function withoutWrongFields<T extends KubeObject>(kind: KindDefinition, object: T): T {
  if (wrongFieldOf(kind, object) === undefined) return object;
  const { spec } = object as { spec?: unknown };
  const { properties = {} } = specSchemaOf(kind) as Form;
  const right = Object.entries(isMap(spec) ? spec : {}).filter(([name, value]) => {
    const schema = properties[name];
    return schema === undefined || wrongIn(name, value, schema) === undefined;
  });
  return { ...object, spec: Object.fromEntries(right) };
}

function specSchemaOf(kind: KindDefinition): TSchema {
  return (kind.schema as { properties?: { spec?: TSchema } }).properties?.spec ?? {};
}

function wrongIn(path: string, value: unknown, schema: TSchema): string | undefined {
  const form = schema as Form;
  if (form.type !== undefined && !hasType(value, form.type)) {
    return `${path} is ${typeName(value)}: write ${formOf(form.type, value)}`;
  }
  if (form.enum !== undefined && !form.enum.includes(value)) {
    return `${path} is none of the values known here: write one of ${form.enum.join(', ')}`;
  }
  if (Array.isArray(value)) return wrongItem(path, value, form);
  return isMap(value) ? wrongProperty(path, value, form) : undefined;
}

function formOf(type: string, value: unknown): string {
  if (type === 'integer' && isExactInteger(value)) return 'a smaller one';
  return type === 'object' ? 'a map' : `a value of type ${type}`;
}

function wrongItem(path: string, items: unknown[], form: Form): string | undefined {
  if (form.items === undefined) return undefined;
  for (const [index, item] of items.entries()) {
    const wrong = wrongIn(`${path}[${index}]`, item, form.items);
    if (wrong !== undefined) return wrong;
  }
  return undefined;
}

function wrongProperty(path: string, fields: Fields, form: Form): string | undefined {
  const missing = form.required?.find((name) => fields[name] === undefined);
  if (missing !== undefined) return `${path}.${missing} is missing: it is required`;
  for (const [name, value] of Object.entries(fields)) {
    const schema = form.properties?.[name] ?? form.additionalProperties;
    if (value === undefined || typeof schema !== 'object') continue;
    const wrong = wrongIn(`${path}.${name}`, value, schema);
    if (wrong !== undefined) return wrong;
  }
  return undefined;
}

function isMap(value: unknown): value is Fields {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && !isExactInteger(value)
  );
}

function hasType(value: unknown, type: string): boolean {
  switch (type) {
    case 'object':
      return isMap(value);
    case 'array':
      return Array.isArray(value);
    case 'integer':
      return Number.isInteger(value);
    default:
      return typeof value === type;
  }
}

function typeName(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (isExactInteger(value)) return 'beyond 2^53';
  return typeof value === 'object' ? 'a map' : `a ${typeof value}`;
}
