/** JSON, as far as values and schemas hold it. */
export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

/** A part of a JSON schema. */
export type Schema = { [key: string]: Json };

/** One value of a chart: from it come its line in values.yaml, its schema and its row in the reference. */
export interface Value {
  description: string;
  /** What applies when nobody sets it; undefined for a group. */
  default?: Json;
  schema: Schema;
  /** The values of a group. */
  children?: ValueTree;
  /** Stands in values.yaml as a comment only, so that a chart above can tell that nobody set it. */
  unset?: boolean;
}

export type ValueTree = { [name: string]: Value };

/** A text. */
export function text(fallback: string, description: string, more: Schema = {}): Value {
  return { description, default: fallback, schema: { type: 'string', ...more } };
}

/** One of some texts. */
export function choice(fallback: string, values: readonly string[], description: string): Value {
  return { description, default: fallback, schema: { type: 'string', enum: [...values] } };
}

/** A switch. */
export function toggle(fallback: boolean, description: string): Value {
  return { description, default: fallback, schema: { type: 'boolean' } };
}

/** A whole number. */
export function count(fallback: number, description: string, minimum = 0): Value {
  return { description, default: fallback, schema: { type: 'integer', minimum } };
}

/** Texts by name, such as labels. */
export function texts(description: string, fallback: { [key: string]: string } = {}): Value {
  const schema = { type: 'object', additionalProperties: { type: 'string' } };
  return { description, default: fallback, schema };
}

/** A list of texts. */
export function textList(description: string, items: Schema = {}): Value {
  return {
    description,
    default: [],
    schema: { type: 'array', items: { type: 'string', ...items } },
  };
}

/** A list of objects whose form belongs to somebody else, such as tolerations. */
export function objects(description: string, fallback: Json[] = []): Value {
  return { description, default: fallback, schema: { type: 'array', items: { type: 'object' } } };
}

/** An object whose form belongs to somebody else, such as an affinity. */
export function object(description: string, fallback: Json = {}): Value {
  return { description, default: fallback, schema: { type: 'object' } };
}

/** Values below a common name. */
export function group(description: string, children: ValueTree): Value {
  return { description, schema: { type: 'object' }, children };
}

/** The same values, shown in values.yaml as comments. */
export function unset(tree: ValueTree): ValueTree {
  return Object.fromEntries(
    Object.entries(tree).map(([name, value]) => [name, { ...value, unset: true }]),
  );
}

/** The defaults of a tree as one object. */
export function defaultsOf(tree: ValueTree): { [key: string]: Json } {
  const entries = Object.entries(tree).map(([name, value]): [string, Json] => [
    name,
    value.children ? defaultsOf(value.children) : (value.default ?? null),
  ]);
  return Object.fromEntries(entries);
}

/** A quantity of Kubernetes, such as 1Gi. */
export const quantity: Schema = { pattern: '^[0-9]+(\\.[0-9]+)?(m|[kMGTPE]i?)?$' };
