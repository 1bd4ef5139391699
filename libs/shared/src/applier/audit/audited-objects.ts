import type { AuditedChange, AuditedObject } from '@sluice/shared/api';
import type { SecretMasker } from '@sluice/shared/base';
import type { Drift, ObjectId, ReleaseChanges } from '@sluice/shared/engine';

/** Names an object in a record. */
export function auditedObject(
  { group, kind, namespace, name }: ObjectId,
  action: string,
): AuditedObject {
  const kindAndGroup = group === '' ? kind : `${kind}.${group}`;
  return { kind: kindAndGroup, ...(namespace !== '' && { namespace }), name, action };
}

/** Makes what a record tells of fields, by paths such as `.spec.replicas`; paths are masked, for their keys may be anything. */
export function auditedFields(
  changes: readonly { path: string }[],
  masker: SecretMasker,
): Pick<AuditedObject, 'fields'> {
  const fields = changes.map(({ path }) => masker.mask(path.replace(/^\./, '')));
  return fields.length === 0 ? {} : { fields };
}

/** Makes what a record tells of an object that is corrected. */
export function auditedDrift({ id, deleted, changes }: Drift, masker: SecretMasker): AuditedObject {
  return { ...auditedObject(id, deleted ? 'create' : 'change'), ...auditedFields(changes, masker) };
}

/** Makes what a record tells of changes; paths of fields are masked, for their keys may be anything. */
export function auditedChanges(
  { objects, counts }: Pick<ReleaseChanges, 'objects' | 'counts'>,
  masker: SecretMasker,
): AuditedChange {
  const count = Object.values(counts).reduce((sum, one) => sum + one, 0);
  const listed = objects.map(({ id, action, fields, moreFields }) => ({
    ...auditedObject(id, action),
    ...(fields.length > 0 && { fields: fields.map(({ path }) => masker.mask(path)) }),
    ...(moreFields > 0 && { moreFields }),
  }));
  const omitted = count - listed.length;
  return { count, objects: listed, ...(omitted > 0 && { omitted }) };
}
