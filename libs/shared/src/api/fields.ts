import type { TSchema } from 'typebox';
import { additionKeyword } from './builders.ts';
import { type OpenApiSchema, openApiSchema } from './crd.ts';
import type { KindDefinition } from './kind.ts';

/** One field of a kind, at whatever depth. */
export interface Field {
  /** Path from the object, with `[]` for items of a list and `{}` for values of a map. */
  path: string;
  schema: OpenApiSchema;
  required: boolean;
  /** Whether Sluice added the field, by itself or together with a field above it. */
  addition: boolean;
}

/** Returns every field below `spec` and `status` of a kind, these included, in the order of the schema. */
export function fieldsOf(kind: KindDefinition): Field[] {
  const fields: Field[] = [];
  const visit = (path: string, schema: TSchema, required: boolean, inherited: boolean) => {
    const node = schema as Record<string, unknown>;
    const addition = inherited || node[additionKeyword] === true;
    fields.push({ path, schema: openApiSchema(schema), required, addition });
    const names = (node['required'] ?? []) as string[];
    for (const [name, child] of Object.entries(
      (node['properties'] ?? {}) as Record<string, TSchema>,
    )) {
      visit(`${path}.${name}`, child, names.includes(name), addition);
    }
    if (node['items']) visit(`${path}[]`, node['items'] as TSchema, true, addition);
    if (node['additionalProperties']) {
      visit(`${path}{}`, node['additionalProperties'] as TSchema, true, addition);
    }
  };
  const root = kind.schema as unknown as { properties: Record<string, TSchema> };
  for (const part of ['spec', 'status']) {
    const schema = root.properties[part];
    if (schema) visit(part, schema, false, false);
  }
  return fields;
}
