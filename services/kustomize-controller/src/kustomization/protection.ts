import { type InventoryEntry, type Protection, protectionOf } from '@sluice/shared/engine';
import type { Run } from './run.ts';

/**
 * Returns what the Kustomization must not delete.
 *
 * @param inventory what it has, unless that is what its status says
 */
export function protectionFor(
  { ctx, deps, object }: Run,
  inventory: InventoryEntry[] = ctx.status.status.inventory?.entries ?? [],
): Protection {
  const targets = [object.spec.targetNamespace];
  return protectionOf({
    owner: object,
    controllers: deps.settings.controllersNamespace,
    targets,
    inventory,
  });
}
