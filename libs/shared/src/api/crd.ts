import type { TSchema } from 'typebox';
import type { KindDefinition, PrinterColumn } from './kind.ts';

/** A schema as a CustomResourceDefinition holds it: plain JSON, without marks of our own. */
export interface OpenApiSchema {
  description?: string;
  type?: string;
  format?: string;
  default?: unknown;
  enum?: string[];
  pattern?: string;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  minItems?: number;
  maxItems?: number;
  required?: string[];
  properties?: Record<string, OpenApiSchema>;
  items?: OpenApiSchema;
  additionalProperties?: OpenApiSchema;
  'x-kubernetes-preserve-unknown-fields'?: boolean;
  'x-kubernetes-list-type'?: string;
  'x-kubernetes-list-map-keys'?: string[];
  'x-kubernetes-validations'?: { rule: string; message: string }[];
}

/** A CustomResourceDefinition with one version. */
export interface CustomResourceDefinition {
  apiVersion: 'apiextensions.k8s.io/v1';
  kind: 'CustomResourceDefinition';
  metadata: { name: string; labels?: Record<string, string> };
  spec: {
    group: string;
    scope: 'Namespaced';
    names: {
      kind: string;
      listKind: string;
      plural: string;
      singular: string;
      shortNames?: string[];
      categories?: string[];
    };
    versions: {
      name: string;
      served: true;
      storage: true;
      additionalPrinterColumns: PrinterColumn[];
      schema: { openAPIV3Schema: OpenApiSchema };
      subresources?: { status: Record<string, never> };
    }[];
  };
}

/** Keywords in the order in which they are written. A schema with any other keyword is refused. */
const keywords = [
  'description',
  'type',
  'format',
  'default',
  'enum',
  'pattern',
  'minimum',
  'maximum',
  'minLength',
  'maxLength',
  'minItems',
  'maxItems',
  'required',
  'properties',
  'items',
  'additionalProperties',
  'x-kubernetes-preserve-unknown-fields',
  'x-kubernetes-list-type',
  'x-kubernetes-list-map-keys',
  'x-kubernetes-validations',
];

/**
 * Turns a schema into the structural schema of a CustomResourceDefinition; marks of our own are left out.
 *
 * @throws TypeError when the schema uses a keyword that Kubernetes does not have.
 * @see https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/
 */
export function openApiSchema(schema: TSchema): OpenApiSchema {
  const source = schema as Record<string, unknown>;
  const unknown = Object.keys(source).find(
    (key) => !keywords.includes(key) && !key.startsWith('x-sluice-') && !key.startsWith('~'),
  );
  if (unknown !== undefined) {
    throw new TypeError(`keyword "${unknown}" has no equal in a CRD: remove it from the schema`);
  }
  const present = keywords.filter((key) => source[key] !== undefined);
  return Object.fromEntries(present.map((key) => [key, convert(key, source[key])]));
}

function convert(keyword: string, value: unknown): unknown {
  switch (keyword) {
    case 'properties':
      return Object.fromEntries(
        Object.entries(value as Record<string, TSchema>).map(([name, field]) => [
          name,
          openApiSchema(field),
        ]),
      );
    case 'items':
    case 'additionalProperties':
      return openApiSchema(value as TSchema);
    default:
      return structuredClone(value);
  }
}

/** Name of the CustomResourceDefinition of a kind. */
export function crdNameOf(kind: KindDefinition): string {
  return `${kind.plural}.${kind.group}`;
}

/**
 * Makes the CustomResourceDefinition of a kind.
 *
 * @param labels labels to put on it, such as those by which clients find an installation
 */
export function toCustomResourceDefinition(
  kind: KindDefinition,
  labels?: Record<string, string>,
): CustomResourceDefinition {
  const { shortNames, categories } = kind;
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: crdNameOf(kind), ...(labels && { labels: { ...labels } }) },
    spec: {
      group: kind.group,
      scope: 'Namespaced',
      names: {
        kind: kind.kind,
        listKind: `${kind.kind}List`,
        plural: kind.plural,
        singular: kind.singular,
        ...(shortNames.length > 0 && { shortNames: [...shortNames] }),
        ...(categories && { categories: [...categories] }),
      },
      versions: [
        {
          name: kind.version,
          served: true,
          storage: true,
          additionalPrinterColumns: kind.printerColumns.map((column) => ({ ...column })),
          schema: { openAPIV3Schema: openApiSchema(kind.schema) },
          ...(kind.hasStatus && { subresources: { status: {} } }),
        },
      ],
    },
  };
}
