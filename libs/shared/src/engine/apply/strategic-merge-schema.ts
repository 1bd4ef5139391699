import type { GroupVersionKind } from '@sluice/shared/kube';
import { isMap, type JsonMap, mapsAt, stringAt } from '../object/object-fields.ts';

/** How a strategic merge patch treats a field that is not merged key by key, or lies above such a field. */
export interface FieldMerge {
  /** `merge` for lists that are merged by item, `replace` for maps that are replaced as a whole. */
  strategy?: 'merge' | 'replace';
  /** Keys of the map, or of each item, that a patch does not name are removed. */
  retainKeys: boolean;
  /** Field by which the items of a list are told apart; undefined for lists of scalars. */
  key?: string;
  /** What is below the field, or below each item. */
  fields: MergeSchema;
}

/** What a strategic merge patch must know of a type, by field. Types that contain themselves make it a cycle. */
export type MergeSchema = ReadonlyMap<string, FieldMerge>;

const strategicType = 'application/strategic-merge-patch+json';
const noFields: MergeSchema = new Map();

/**
 * Reads from an OpenAPI v3 document of one group and version how its kinds are merged. Kinds that take no strategic
 * merge patch, which are all custom resources, are left out; so is everything of the types that merges need not know.
 *
 * @see https://github.com/kubernetes/community/blob/master/contributors/devel/sig-api-machinery/strategic-merge-patch.md
 */
export function readMergeSchemas(document: unknown): Map<string, MergeSchema> {
  const types = typesOf(document);
  const strategic = new Set(strategicKinds(document).map(kindText));
  const read = schemaReader(types);
  const schemas = new Map<string, MergeSchema>();
  for (const [name, type] of types) {
    for (const gvk of kindsOf(type)) {
      if (strategic.has(kindText(gvk))) schemas.set(gvk.kind, read(name));
    }
  }
  return schemas;
}

function typesOf(document: unknown): Map<string, JsonMap> {
  const components = isMap(document) ? document['components'] : undefined;
  const schemas = isMap(components) ? components['schemas'] : undefined;
  return new Map(Object.entries(isMap(schemas) ? schemas : {}) as [string, JsonMap][]);
}

/** Returns the kinds that can be patched strategically at their own path or at one of a subresource. */
function strategicKinds(document: unknown): GroupVersionKind[] {
  const paths = isMap(document) ? document['paths'] : undefined;
  return Object.values(isMap(paths) ? paths : {}).flatMap((path) => {
    const patch = isMap(path) ? path['patch'] : undefined;
    if (!isMap(patch)) return [];
    const body = patch['requestBody'];
    const content = isMap(body) ? body['content'] : undefined;
    return isMap(content) && strategicType in content ? [gvkFrom(patch[gvkExtension])] : [];
  });
}

const gvkExtension = 'x-kubernetes-group-version-kind';

function kindsOf(type: JsonMap): GroupVersionKind[] {
  return mapsAt(type, gvkExtension).map(gvkFrom);
}

function gvkFrom(value: unknown): GroupVersionKind {
  const at = (name: string) => stringAt(value, [name]);
  return { group: at('group'), version: at('version'), kind: at('kind') };
}

function kindText({ group, version, kind }: GroupVersionKind): string {
  return `${group}/${version}/${kind}`;
}

/** Returns a function that gives the schema of a type by name, one for each type. */
function schemaReader(types: Map<string, JsonMap>): (name: string) => MergeSchema {
  const needed = neededTypes(types);
  const read = new Map<string, MergeSchema>();
  const schemaOf = (name: string | undefined): MergeSchema => {
    if (name === undefined || !needed.has(name)) return noFields;
    const known = read.get(name);
    if (known !== undefined) return known;
    const fields = new Map<string, FieldMerge>();
    read.set(name, fields);
    for (const [field, schema] of propertiesOf(types.get(name))) {
      const below = schemaOf(typeOf(schema));
      const merge = { ...rulesOf(schema), fields: below };
      if (hasRules(schema) || below !== noFields) fields.set(field, merge);
    }
    return fields;
  };
  return schemaOf;
}

/** Returns the types that have rules of their own or contain a type that has. */
function neededTypes(types: Map<string, JsonMap>): Set<string> {
  const needed = new Set<string>();
  const isNeeded = ([, schema]: [string, JsonMap]) =>
    hasRules(schema) || needed.has(typeOf(schema) ?? '');
  for (let size = -1; size < needed.size; ) {
    size = needed.size;
    for (const [name, type] of types) if (propertiesOf(type).some(isNeeded)) needed.add(name);
  }
  return needed;
}

function propertiesOf(type: JsonMap | undefined): [string, JsonMap][] {
  const properties = type?.['properties'];
  return isMap(properties) ? (Object.entries(properties) as [string, JsonMap][]) : [];
}

/** Returns the name of the type that a field refers to, for a list that of its items. */
function typeOf(schema: JsonMap): string | undefined {
  const items = schema['items'];
  if (isMap(items)) return typeOf(items);
  const reference = schema['$ref'] ?? mapsAt(schema, 'allOf')[0]?.['$ref'];
  return typeof reference === 'string'
    ? reference.slice(reference.lastIndexOf('/') + 1)
    : undefined;
}

const strategyExtension = 'x-kubernetes-patch-strategy';

function hasRules(schema: JsonMap): boolean {
  return schema[strategyExtension] !== undefined;
}

function rulesOf(schema: JsonMap): Omit<FieldMerge, 'fields'> {
  const strategies = stringAt(schema, [strategyExtension]).split(',');
  const key = stringAt(schema, ['x-kubernetes-patch-merge-key']);
  return {
    strategy: (['merge', 'replace'] as const).find((name) => strategies.includes(name)),
    retainKeys: strategies.includes('retainKeys'),
    ...(key !== '' && { key }),
  };
}
