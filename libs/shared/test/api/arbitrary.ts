import type { OpenApiSchema } from '@sluice/shared/api';
import fc from 'fast-check';

export interface ArbitraryOptions {
  /** Whether every optional field is present and every list and map holds something. */
  complete?: boolean;
}

/** Generates values that a schema accepts, cross-field rules aside. */
export function arbitraryOf(
  schema: OpenApiSchema,
  o: ArbitraryOptions = {},
): fc.Arbitrary<unknown> {
  if (schema.enum) return fc.constantFrom(...schema.enum);
  switch (schema.type) {
    case undefined:
      return fc.dictionary(mapKey, fc.jsonValue({ maxDepth: 2 }));
    case 'string':
      return text(schema);
    case 'integer':
      return integer(schema);
    case 'boolean':
      return fc.boolean();
    case 'array':
      return listOf(schema, o);
    case 'object':
      return objectOf(schema, o);
    default:
      throw new TypeError(`no arbitrary for the type "${schema.type}": add one`);
  }
}

function integer({ minimum, maximum }: OpenApiSchema): fc.Arbitrary<number> {
  if (maximum !== undefined) return fc.integer({ min: minimum ?? -maximum, max: maximum });
  return fc.maxSafeInteger().map((n) => (n < (minimum ?? n) ? -n : n));
}

const mapKey = fc.stringMatching(/^[a-z][a-z0-9./_-]{0,12}$/);

function text(schema: OpenApiSchema): fc.Arbitrary<string> {
  const { minLength = 0, maxLength = Number.POSITIVE_INFINITY } = schema;
  if (schema.format === 'date-time') {
    return fc
      .date({ min: new Date('1970-01-01'), max: new Date('2100-01-01'), noInvalidDate: true })
      .map((date) => `${date.toISOString().slice(0, 19)}Z`);
  }
  if (schema.pattern) {
    return fc
      .stringMatching(new RegExp(schema.pattern))
      .filter((s) => s.isWellFormed() && [...s].length >= minLength && [...s].length <= maxLength);
  }
  return fc.string({ unit: 'binary', minLength, maxLength: Math.min(maxLength, 100) });
}

function listOf(schema: OpenApiSchema, o: ArbitraryOptions): fc.Arbitrary<unknown[]> {
  const item = arbitraryOf(schema.items ?? {}, o);
  const minLength = Math.max(schema.minItems ?? 0, o.complete ? 1 : 0);
  const size = { minLength, maxLength: Math.min(schema.maxItems ?? 3, Math.max(minLength, 3)) };
  const keys = schema['x-kubernetes-list-map-keys'];
  if (!keys) return fc.array(item, size);
  const selector = (value: unknown) => JSON.stringify(keys.map((key) => (value as never)[key]));
  return fc.uniqueArray(item, { ...size, selector });
}

function objectOf(schema: OpenApiSchema, o: ArbitraryOptions): fc.Arbitrary<unknown> {
  if (schema.additionalProperties) {
    const value = arbitraryOf(schema.additionalProperties, o);
    return fc.dictionary(mapKey, value, { minKeys: o.complete ? 1 : 0, maxKeys: 3 });
  }
  const properties = Object.entries(schema.properties ?? {});
  const model = Object.fromEntries(properties.map(([name, x]) => [name, arbitraryOf(x, o)]));
  const requiredKeys = o.complete ? Object.keys(model) : (schema.required ?? []);
  return fc.record(model, { requiredKeys, noNullPrototype: true });
}
