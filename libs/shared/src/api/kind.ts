import type { TSchema } from 'typebox';
import * as Type from 'typebox';
import { str } from './builders.ts';

/** An owner of an object, as the garbage collector reads it. */
export interface OwnerReference {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
  controller?: boolean;
  blockOwnerDeletion?: boolean;
}

/** Who set which fields of an object, through which operation. */
export interface ManagedFieldsEntry {
  manager?: string;
  operation?: 'Apply' | 'Update';
  apiVersion?: string;
  time?: string;
  fieldsType?: string;
  fieldsV1?: Record<string, unknown>;
  subresource?: string;
}

/** The metadata that every Kubernetes object carries. */
export interface ObjectMeta {
  name: string;
  generateName?: string;
  namespace?: string;
  uid?: string;
  resourceVersion?: string;
  generation?: number;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  finalizers?: string[];
  ownerReferences?: OwnerReference[];
  creationTimestamp?: string;
  deletionTimestamp?: string;
  deletionGracePeriodSeconds?: number;
  managedFields?: ManagedFieldsEntry[];
}

/** Any Kubernetes object. */
export interface KubeObject {
  apiVersion: string;
  kind: string;
  metadata: ObjectMeta;
}

/** A column of `kubectl get`. */
export interface PrinterColumn {
  name: string;
  type: 'string' | 'date' | 'integer' | 'boolean' | 'number';
  jsonPath: string;
}

/** Everything known about one API kind: its names, its schema and, through `T`, its static type. */
export interface KindDefinition<T extends KubeObject = KubeObject> {
  group: string;
  version: string;
  kind: string;
  plural: string;
  singular: string;
  shortNames: string[];
  categories?: string[];
  namespaced: true;
  hasStatus: boolean;
  printerColumns: PrinterColumn[];
  schema: TSchema;
  /** Never set: carries the static type of the kind's objects. */
  readonly type?: T;
}

/** The object type of a kind definition. */
export type ObjectOf<K> = K extends KindDefinition<infer T> ? T : never;

/** Returns the `apiVersion` of a kind's objects, `<group>/<version>`. */
export function apiVersionOf(kind: Pick<KindDefinition, 'group' | 'version'>): string {
  return `${kind.group}/${kind.version}`;
}

/** The columns for age and readiness that most kinds show. */
export const ageColumn: PrinterColumn = {
  name: 'Age',
  type: 'date',
  jsonPath: '.metadata.creationTimestamp',
};
export const readyColumns: PrinterColumn[] = [
  {
    name: 'Ready',
    type: 'string',
    jsonPath: '.status.conditions[?(@.type=="Ready")].status',
  },
  {
    name: 'Status',
    type: 'string',
    jsonPath: '.status.conditions[?(@.type=="Ready")].message',
  },
];

/** The API server knows the schema of the metadata and lets a CRD say nothing about it, not even a description. */
const metadata = Type.Unsafe<ObjectMeta>({ type: 'object' });

/** Builds the schema of a whole object from the schemas of its spec and status. */
export function objectSchema<Spec extends TSchema>(description: string, spec: Spec): TSchema;
export function objectSchema<Spec extends TSchema, Status extends TSchema>(
  description: string,
  spec: Spec,
  status: Status,
): TSchema;
export function objectSchema(description: string, spec: TSchema, status?: TSchema): TSchema {
  return Type.Object(
    {
      apiVersion: Type.Optional(str('Group and version of the schema this object follows.')),
      kind: Type.Optional(str('Name of the kind, in CamelCase.')),
      metadata: Type.Optional(metadata),
      spec: Type.Optional(spec),
      ...(status && { status: Type.Optional(status) }),
    },
    { description },
  );
}
