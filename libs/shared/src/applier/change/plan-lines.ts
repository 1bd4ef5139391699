import type { PlannedObject } from '@sluice/shared/api';
import type { ChangePlan } from './change-plan.ts';

/** Most objects and fields that a message names. */
const maxObjects = 10;
const maxFields = 5;

const verbs: Record<PlannedObject['action'], string> = {
  Create: 'created',
  Change: 'changed',
  Recreate: 'created anew',
  Delete: 'deleted',
  Hook: 'run',
};

function lineOf({ action, kind, namespace, name, changes = [] }: PlannedObject): string {
  const where = namespace === undefined ? name : `${namespace}/${name}`;
  const fields = changes.slice(0, maxFields).map(({ path }) => path);
  const more = changes.length > maxFields ? `, and ${changes.length - maxFields} more` : '';
  const what = fields.length === 0 ? '' : `: ${fields.join(', ')}${more}`;
  return `${kind}/${where} ${verbs[action]}${what}`;
}

/** Describes a plan for people, without values: a line for each of the first objects. */
export function planLines({ objects }: ChangePlan): string[] {
  const lines = objects.slice(0, maxObjects).map(lineOf);
  const more = objects.length - lines.length;
  return more > 0 ? [...lines, `and ${more} more`] : lines;
}
