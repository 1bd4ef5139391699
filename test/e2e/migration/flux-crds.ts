import {
  additionKeyword,
  allKinds,
  type KindDefinition,
  type KubeObject,
  toCustomResourceDefinition,
} from '@sluice/shared/api';
import type { ApiResource, KubeClient } from '@sluice/shared/kube';
import { until } from '@sluice/testing';

const definitions: ApiResource = {
  group: 'apiextensions.k8s.io',
  version: 'v1',
  kind: 'CustomResourceDefinition',
  plural: 'customresourcedefinitions',
  namespaced: false,
};

type Definition = KubeObject & { status?: { conditions?: { type: string; status: string }[] } };

const isAddition = (value: unknown) =>
  typeof value === 'object' && value !== null && additionKeyword in value;

const validations = 'x-kubernetes-validations';

/** Returns a schema without the fields that Flux does not have, and without the rules of objects that have such fields. */
function withoutAdditions<T>(schema: T): T {
  if (Array.isArray(schema)) return schema.map(withoutAdditions) as T;
  if (typeof schema !== 'object' || schema === null) return schema;
  const { properties } = schema as { properties?: object };
  const isExtended = Object.values(properties ?? {}).some(isAddition);
  const kept = Object.entries(schema).filter(
    ([key, value]) => !isAddition(value) && !(isExtended && key === validations),
  );
  return Object.fromEntries(kept.map(([key, value]) => [key, withoutAdditions(value)])) as T;
}

const isEstablished = ({ status }: Definition) =>
  status?.conditions?.some((c) => c.type === 'Established' && c.status === 'True') ?? false;

/** Installs the definitions as Flux has them: what they do not know, the API server drops from objects. */
export async function installFluxCrds(client: KubeClient): Promise<void> {
  const install = async (kind: KindDefinition) => {
    const schema = withoutAdditions(kind.schema);
    const definition = toCustomResourceDefinition({ ...kind, schema }) as unknown as KubeObject;
    await client.apply(definitions, definition, { fieldManager: 'flux', force: true });
    await until<Definition>(client, definitions, definition.metadata, isEstablished);
  };
  await Promise.all(allKinds.map(install));
}
