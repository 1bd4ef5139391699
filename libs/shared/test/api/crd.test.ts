import {
  allKinds,
  type KindDefinition,
  kustomizationKind,
  type OpenApiSchema,
  openApiSchema,
  providerKind,
  toCustomResourceDefinition,
} from '@sluice/shared/api';
import { Type } from 'typebox';
import { describe, expect, test } from 'vitest';

const kinds = allKinds.map((kind) => [kind.kind, kind] as const);

describe('toCustomResourceDefinition', () => {
  test('names the definition, its kind and its categories', () => {
    const crd = toCustomResourceDefinition(kustomizationKind, { a: 'b' });
    expect(crd.metadata).toEqual({
      name: 'kustomizations.kustomize.toolkit.fluxcd.io',
      labels: { a: 'b' },
    });
    expect(crd.spec.names).toEqual({
      kind: 'Kustomization',
      listKind: 'KustomizationList',
      plural: 'kustomizations',
      singular: 'kustomization',
      shortNames: ['ks'],
      categories: ['all', 'fluxcd', 'fluxcd-appliers'],
    });
  });

  test('has a status subresource only for kinds with a status', () => {
    expect(versionOf(kustomizationKind).subresources).toEqual({ status: {} });
    expect(versionOf({ ...providerKind, hasStatus: false }).subresources).toBeUndefined();
    const withStatus = allKinds.filter((kind) => 'status' in propertiesOf(kind));
    expect(withStatus).toEqual(allKinds.filter((kind) => kind.hasStatus));
  });

  test('requires of an object only what Flux requires', () => {
    expect(schemaOf(kustomizationKind).required).toBeUndefined();
    expect(propertiesOf(kustomizationKind)['spec']?.required).toEqual([
      'sourceRef',
      'interval',
      'prune',
    ]);
  });

  test.each(kinds)('%s is a structural schema', (_, kind) => {
    expect(structuralProblems('', schemaOf(kind))).toEqual([]);
    expect(propertiesOf(kind)['metadata']).toEqual({ type: 'object' });
  });

  test.each(kinds)('%s holds no mark of our own', (_, kind) => {
    expect(JSON.stringify(toCustomResourceDefinition(kind))).not.toMatch(/x-sluice|"~/);
  });
});

describe('openApiSchema', () => {
  test('leaves marks of our own out, at every depth', () => {
    const schema = Type.Object({ a: Type.String({ 'x-sluice-addition': true }) });
    expect(openApiSchema(schema)).toEqual({
      type: 'object',
      required: ['a'],
      properties: { a: { type: 'string' } },
    });
  });

  test.each([
    { name: 'a union', schema: Type.Union([Type.String(), Type.Integer()]), keyword: 'anyOf' },
    { name: 'a literal', schema: Type.Literal('a'), keyword: 'const' },
    {
      name: 'a record',
      schema: Type.Record(Type.String(), Type.String()),
      keyword: 'patternProperties',
    },
  ])('refuses $name, which Kubernetes does not have', ({ schema, keyword }) => {
    expect(() => openApiSchema(schema)).toThrow(`keyword "${keyword}"`);
  });
});

function versionOf(kind: KindDefinition) {
  const [version] = toCustomResourceDefinition(kind).spec.versions;
  if (!version) throw new Error(`${kind.kind} has no version`);
  return version;
}

function schemaOf(kind: KindDefinition): OpenApiSchema {
  return versionOf(kind).schema.openAPIV3Schema;
}

function propertiesOf(kind: KindDefinition): Record<string, OpenApiSchema> {
  return schemaOf(kind).properties ?? {};
}

/** @see https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#specifying-a-structural-schema */
function structuralProblems(path: string, schema: OpenApiSchema): string[] {
  const problems: string[] = [];
  if (!schema.type && !schema['x-kubernetes-preserve-unknown-fields']) problems.push('no type');
  if (schema.properties && schema.additionalProperties) problems.push('both kinds of properties');
  if (schema.type === 'array' && !schema.items) problems.push('no items');
  const unknown = (schema.required ?? []).filter((name) => !schema.properties?.[name]);
  problems.push(...unknown.map((name) => `requires unknown field ${name}`));
  const children: [string, OpenApiSchema | undefined][] = [
    ...Object.entries(schema.properties ?? {}),
    ['[]', schema.items],
    ['{}', schema.additionalProperties],
  ];
  return [
    ...problems.map((problem) => `${path}: ${problem}`),
    ...children.flatMap(([name, x]) => (x ? structuralProblems(`${path}.${name}`, x) : [])),
  ];
}
