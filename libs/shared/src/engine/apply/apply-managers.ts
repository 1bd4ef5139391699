import type { KubeObject, ManagedFieldsEntry } from '@sluice/shared/api';
import type { ApiResource, KubeClient, RequestOptions } from '@sluice/shared/kube';
import { splitOperational } from '../drift/operational-fields.ts';
import { appliedEntry, lastAppliedAnnotation } from '../object/compact-object.ts';
import { type FieldSet, unionOf } from '../object/field-set.ts';
import { isOverridden } from '../object/object-policy.ts';
import type { ApplierIdentity } from '../owner/applier-identity.ts';

/** Annotations of earlier tools, which would linger on objects taken over from them. */
const obsoleteAnnotations = [
  lastAppliedAnnotation,
  'kustomize.toolkit.fluxcd.io/checksum',
  'fluxcd.io/sync-checksum',
];

/**
 * How much of other managers' fields is taken over: all, all but operational annotations, which leaves a rollout that
 * somebody has started alone, or nothing.
 */
export type TakeOver = 'all' | 'but operational' | 'nothing';

interface Taking {
  identity: Pick<ApplierIdentity, 'fieldManager' | 'overridden'>;
  /** All unless told. */
  takeOver?: TakeOver | undefined;
}

/** Splits an entry into what is taken over and what its manager keeps; undefined parts hold no field. */
function splitEntry(
  entry: ManagedFieldsEntry,
  { identity, takeOver = 'all' }: Taking,
): { taken?: FieldSet | undefined; kept?: ManagedFieldsEntry | undefined } {
  if (takeOver === 'nothing' || !isOverridden(entry, identity.overridden)) return { kept: entry };
  const fields = (entry.fieldsV1 ?? {}) as FieldSet;
  if (takeOver === 'all') return { taken: fields };
  const { operational, rest } = splitOperational(fields);
  return { taken: rest, kept: operational && { ...entry, fieldsV1: operational } };
}

/** Whether the object has fields that are to be taken over. */
export function hasOverridden(object: KubeObject, o: Taking): boolean {
  return (object.metadata.managedFields ?? []).some(
    (entry) => splitEntry(entry, o).taken !== undefined,
  );
}

/**
 * Returns the JSON Patch that makes our manager the owner of the fields of the managers to be overridden, so that the
 * next apply removes those which it does not contain. It fails with a conflict if the object has changed meanwhile.
 */
export function takeOverPatch(object: KubeObject, o: Taking): unknown[] {
  const { managedFields = [], annotations = {}, resourceVersion } = object.metadata;
  const { fieldManager } = o.identity;
  const own = appliedEntry(object, fieldManager);
  const others = managedFields.filter((entry) => entry !== own);
  const split = others.map((entry) => ({ entry, ...splitEntry(entry, o) }));
  const taken = split.filter((part) => part.taken !== undefined);
  const merged: ManagedFieldsEntry = {
    ...(own ?? taken[0]?.entry),
    manager: fieldManager,
    operation: 'Apply',
    fieldsV1: [(own?.fieldsV1 ?? {}) as FieldSet, ...taken.map((part) => part.taken ?? {})].reduce(
      unionOf,
    ),
  };
  const kept = split.flatMap((part) => part.kept ?? []);
  return [
    { op: 'replace', path: '/metadata/resourceVersion', value: resourceVersion },
    { op: 'replace', path: '/metadata/managedFields', value: [...kept, merged] },
    ...obsoleteAnnotations
      .filter((name) => annotations[name] !== undefined)
      .map((name) => ({
        op: 'remove',
        path: `/metadata/annotations/${name.replaceAll('/', '~1')}`,
      })),
  ];
}

/**
 * Makes our manager the owner of the fields that are to be taken over.
 *
 * @param object the object as the server last returned it, with its managed fields
 * @throws ApiError 409 when the object has changed meanwhile
 */
export async function takeOver(
  client: KubeClient,
  resource: ApiResource,
  object: KubeObject,
  { request, ...taking }: Taking & { request: RequestOptions },
): Promise<void> {
  const { namespace, name } = object.metadata;
  await client.patch(resource, { namespace, name }, takeOverPatch(object, taking), {
    ...request,
    type: 'json',
    fieldManager: taking.identity.fieldManager,
  });
}
