import type { KubeObject } from '@sluice/shared/api';
import { mapsAt } from '../object/object-fields.ts';
import { objectIdOf } from '../object/object-id.ts';

/** Whether data may go when the object is deleted to be created anew: a claim, or a StatefulSet that makes claims. */
export function keepsData(object: KubeObject): boolean {
  const { group, kind } = objectIdOf(object);
  if (group === '' && kind === 'PersistentVolumeClaim') return true;
  const claims = mapsAt(object, 'spec', 'volumeClaimTemplates');
  return group === 'apps' && kind === 'StatefulSet' && claims.length > 0;
}
