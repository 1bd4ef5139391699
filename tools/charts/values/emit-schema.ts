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

/** Writes a chart's values.schema.json. It refuses every value that the chart does not know. */
export function valuesSchema(chart: string, tree: ValueTree): string {
  const schema = {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: `Values of the chart ${chart}`,
    ...objectSchema(tree, ofHelm),
  };
  return `${JSON.stringify(schema, undefined, 2)}\n`;
}
