import type { KubeObject } from '@sluice/shared/api';
import type { ApiResource } from '@sluice/shared/kube';

/** A kind of a test's own whose objects hold an integer of 64 bits. */
export interface CounterKind {
  resource: ApiResource;
  apiVersion: string;
  /** Manifest of its definition. */
  definition: string;
}

/** An object of a {@link CounterKind}. */
export type Counter = KubeObject & { spec: { count: unknown; ratio?: unknown; list?: unknown[] } };

/** @param name makes the group the test's own, such as the name of its namespace */
export function counterKind(name: string): CounterKind {
  const group = `${name}.counters.example`;
  const integer = { type: 'integer', format: 'int64' };
  const fields = {
    count: integer,
    ratio: { type: 'number' },
    list: { type: 'array', items: integer },
  };
  const spec = { type: 'object', properties: fields };
  const schema = { openAPIV3Schema: { type: 'object', properties: { spec } } };
  const definition = {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `counters.${group}` },
    spec: {
      group,
      scope: 'Namespaced',
      names: { kind: 'Counter', plural: 'counters' },
      versions: [{ name: 'v1', served: true, storage: true, schema }],
    },
  };
  return {
    resource: { group, version: 'v1', kind: 'Counter', plural: 'counters', namespaced: true },
    apiVersion: `${group}/v1`,
    definition: JSON.stringify(definition),
  };
}
