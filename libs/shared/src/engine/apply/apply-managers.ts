import type { KubeObject, ManagedFieldsEntry } from '@sluice/shared/api';
import type { ApiResource, KubeClient, RequestOptions } from '@sluice/shared/kube';
import { appliedEntry, lastAppliedAnnotation } from '../object/compact-object.ts';
import { type FieldSet, unionOf } from '../object/field-set.ts';
import { isOverridden, type ManagerMatch } from '../object/object-policy.ts';
import type { ApplierIdentity } from '../owner/applier-identity.ts';

/** Annotations of earlier tools, which would linger on objects taken over from them. */
const obsoleteAnnotations = [
  lastAppliedAnnotation,
  'kustomize.toolkit.fluxcd.io/checksum',
  'fluxcd.io/sync-checksum',
];

/** Whether the object has fields of a manager that is to be overridden. */
export function hasOverridden(object: KubeObject, managers: readonly ManagerMatch[]): boolean {
  return object.metadata.managedFields?.some((entry) => isOverridden(entry, managers)) ?? false;
}

/**
 * Returns the JSON Patch that makes our manager the owner of all fields of the managers to be overridden, so that the
 * next apply removes those which it does not contain. It fails with a conflict if the object has changed meanwhile.
 */
export function takeOverPatch(
  object: KubeObject,
  { fieldManager, overridden }: Pick<ApplierIdentity, 'fieldManager' | 'overridden'>,
): unknown[] {
  const { managedFields = [], annotations = {}, resourceVersion } = object.metadata;
  const own = appliedEntry(object, fieldManager);
  const taken = managedFields.filter((entry) => isOverridden(entry, overridden));
  const kept = managedFields.filter((entry) => entry !== own && !taken.includes(entry));
  const merged: ManagedFieldsEntry = {
    ...(own ?? taken[0]),
    manager: fieldManager,
    operation: 'Apply',
    fieldsV1: [...(own ? [own] : []), ...taken]
      .map((entry) => (entry.fieldsV1 ?? {}) as FieldSet)
      .reduce(unionOf),
  };
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
 * Makes our manager the owner of all fields of the managers to be overridden.
 *
 * @param object the object as the server last returned it, with its managed fields
 * @throws ApiError 409 when the object has changed meanwhile
 */
export async function takeOver(
  client: KubeClient,
  resource: ApiResource,
  object: KubeObject,
  { identity, request }: { identity: ApplierIdentity; request: RequestOptions },
): Promise<void> {
  const { namespace, name } = object.metadata;
  await client.patch(resource, { namespace, name }, takeOverPatch(object, identity), {
    ...request,
    type: 'json',
    fieldManager: identity.fieldManager,
  });
}
