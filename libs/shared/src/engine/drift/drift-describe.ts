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
