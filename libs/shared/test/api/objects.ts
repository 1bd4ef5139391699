import {
  apiVersionOf,
  type KindDefinition,
  type KubeObject,
  type OpenApiSchema,
  toCustomResourceDefinition,
} from '@sluice/shared/api';
import fc from 'fast-check';
import { arbitraryOf } from './arbitrary.ts';
import { makeConsistent } from './consistent.ts';

/** An object whose spec and status are only known to fit a schema. */
export interface AnyObject extends KubeObject {
  spec: Record<string, unknown>;
  status?: Record<string, unknown>;
}

/** Generates objects of a kind that are valid in every respect. */
export function validObject(kind: KindDefinition): fc.Arbitrary<AnyObject> {
  const spec = arbitraryOf(partSchema(kind, 'spec')) as fc.Arbitrary<AnyObject['spec']>;
  const consistent = spec.map((value) => makeConsistent(kind.kind, structuredClone(value)));
  if (!kind.hasStatus) return consistent.map((value) => objectOf(kind, value));
  const status = arbitraryOf(partSchema(kind, 'status')) as fc.Arbitrary<AnyObject['spec']>;
  return fc.tuple(consistent, status).map(([s, t]) => ({ ...objectOf(kind, s), status: t }));
}

/** Returns an object with every field set. Each value is valid by itself, but cross-field rules may not hold. */
export function completeObject(kind: KindDefinition): AnyObject {
  const part = (name: 'spec' | 'status') => {
    const arbitrary = arbitraryOf(partSchema(kind, name), { complete: true });
    const [value] = fc.sample(arbitrary as fc.Arbitrary<AnyObject['spec']>, {
      numRuns: 1,
      seed: 1,
    });
    if (!value) throw new Error(`nothing generated for ${kind.kind}.${name}`);
    return value;
  };
  const object = objectOf(kind, part('spec'));
  return kind.hasStatus ? { ...object, status: part('status') } : object;
}

function objectOf(kind: KindDefinition, spec: AnyObject['spec']): AnyObject {
  return { apiVersion: apiVersionOf(kind), kind: kind.kind, metadata: { name: 'generated' }, spec };
}

function partSchema(kind: KindDefinition, part: 'spec' | 'status'): OpenApiSchema {
  const [version] = toCustomResourceDefinition(kind).spec.versions;
  const schema = version?.schema.openAPIV3Schema.properties?.[part];
  if (!schema) throw new Error(`${kind.kind} has no ${part}`);
  return schema;
}
