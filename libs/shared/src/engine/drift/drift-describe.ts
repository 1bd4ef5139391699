import type { KubeObject } from '@sluice/shared/api';
import { displayName } from '../object/object-id.ts';
import type { Drift } from './drift-confirm.ts';

/** Most changed fields that are named for one object. */
const maxFields = 20;

/** Describes drift by the paths of the fields, never by their values. */
export function describeDrift({ id, deleted, changes }: Drift): string {
  if (deleted) return `${displayName(id)} deleted`;
  const fields = changes
    .slice(0, maxFields)
    .map((change) => `${change.path} ${change.kind}${change.masked ? ' (secret)' : ''}`);
  const more = changes.length > maxFields ? `, and ${changes.length - maxFields} more` : '';
  return `${displayName(id)} drifted: ${fields.join(', ')}${more}`;
}

/** Says what to do about an object that is deleted again and again. */
export function howToEndDeletions({ metadata }: KubeObject): string {
  const { ownerReferences } = metadata as { ownerReferences?: { kind?: string; name?: string }[] };
  const owner = Array.isArray(ownerReferences) ? ownerReferences[0] : undefined;
  const exempt = "remove it from the source, or exempt it by an ignore rule with the path ''";
  if (owner === undefined) return `Find out who deletes it, and ${exempt}`;
  return (
    `The source names ${owner.kind}/${owner.name} as its owner, and Kubernetes deletes what has no owner that exists: ` +
    `remove metadata.ownerReferences from the source; or ${exempt}`
  );
}
