import type { Json, Schema, Value, ValueTree } from './node.ts';

/** Values that Helm itself puts into those of every chart with dependencies. */
const ofHelm: { [key: string]: Json } = {
  global: { description: 'Values that all charts of a release see.', type: 'object' },
  'sluice-common': { description: 'Values of the library chart, which has none.', type: 'object' },
};

function schemaOf({ description, default: fallback, schema, children }: Value): Schema {
  if (children === undefined) return { description, default: fallback ?? null, ...schema };
  const more =
    Object.hasOwn(children, 'create') && Object.hasOwn(children, 'container') ? ofHelm : {};
  return { description, ...objectSchema(children, more) };
}

function objectSchema(tree: ValueTree, more: { [key: string]: Json } = {}): Schema {
  const properties = Object.entries(tree).map(([name, value]): [string, Json] => [
    name,
    schemaOf(value),
  ]);
  return {
    type: 'object',
    properties: { ...Object.fromEntries(properties), ...more },
    additionalProperties: false,
  };
}

/** Least length, as JSON, of a part that is worth a definition. */
const minShared = 100;

/** The parts of a schema that stand in it more than once. */
class Definitions {
  readonly #counts = new Map<string, number>();
  readonly #names = new Map<string, string>();
  readonly definitions: { [name: string]: Json } = {};

  constructor(schema: Json) {
    this.#count(schema);
  }

  #count(part: Json): void {
    if (typeof part !== 'object' || part === null) return;
    const text = JSON.stringify(part);
    const count = (this.#counts.get(text) ?? 0) + 1;
    this.#counts.set(text, count);
    // What is in a part that was counted before would be counted twice.
    if (count === 1) for (const child of Object.values(part)) this.#count(child);
  }

  /** Refers to the definition of each part that stands elsewhere too; the largest such parts come first. */
  shared(part: Json, name = ''): Json {
    if (typeof part !== 'object' || part === null || Array.isArray(part)) return part;
    const text = JSON.stringify(part);
    const isShared = (this.#counts.get(text) ?? 0) > 1 && text.length >= minShared;
    if (!isShared || !('type' in part)) return this.#within(part);
    const known = this.#names.get(text);
    if (known !== undefined) return { $ref: `#/definitions/${known}` };
    const free = this.#freeName(name);
    this.#names.set(text, free);
    // Takes the name before the parts in it do.
    this.definitions[free] = null;
    this.definitions[free] = this.#within(part);
    return { $ref: `#/definitions/${free}` };
  }

  #within(part: { [key: string]: Json }): Json {
    const entries = Object.entries(part).map(([key, value]): [string, Json] => {
      if (key !== 'properties') return [key, this.shared(value, key)];
      const properties = Object.entries(value as { [key: string]: Json });
      return [key, Object.fromEntries(properties.map(([k, v]) => [k, this.shared(v, k)]))];
    });
    return Object.fromEntries(entries);
  }

  #freeName(name: string): string {
    if (!Object.hasOwn(this.definitions, name)) return name;
    for (let at = 2; ; at++)
      if (!Object.hasOwn(this.definitions, `${name}-${at}`)) return `${name}-${at}`;
  }
}

/** Writes a chart's values.schema.json. It refuses every value that the chart does not know. */
export function valuesSchema(chart: string, tree: ValueTree): string {
  const values = objectSchema(tree, ofHelm);
  const parts = new Definitions(values);
  const shared = parts.shared(values) as Schema;
  const schema = {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: `Values of the chart ${chart}`,
    ...shared,
    ...(Object.keys(parts.definitions).length > 0 && { definitions: parts.definitions }),
  };
  return `${JSON.stringify(schema, undefined, 2)}\n`;
}
