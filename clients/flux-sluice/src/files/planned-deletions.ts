import type { KubeObject, Kustomization, PlannedObject } from '@sluice/shared/api';
import type { ComparisonOptions } from '@sluice/shared/applier';
import {
  formatObjectId,
  inventoryOf,
  type ObjectId,
  protectionOf,
  pruneObjects,
  subtractInventory,
} from '@sluice/shared/engine';
import { apiVersionString } from '@sluice/shared/kube';
import { CliError } from '../errors.ts';

/**
 * Finds out what a Kustomization would delete because it is not among objects.
 *
 * @throws CliError when an object may not be looked at or deleted
 */
export async function plannedDeletions(
  owner: Kustomization,
  objects: KubeObject[],
  { client, identity, concurrency }: ComparisonOptions & { concurrency: number },
): Promise<PlannedObject[]> {
  if (!owner.spec.prune) return [];
  const inventory = owner.status?.inventory?.entries ?? [];
  const stale = subtractInventory(inventory, inventoryOf(objects));
  const { namespace, name } = owner.metadata;
  const { deleted, failures } = await pruneObjects(stale, {
    client,
    identity,
    owner: { namespace, name },
    protection: protectionOf({
      owner,
      controllers: '',
      targets: [owner.spec.targetNamespace],
      inventory,
    }),
    concurrency,
    dryRun: true,
  });
  const [failure] = failures;
  if (failure !== undefined) throw new CliError(failure.error.message, { cause: failure.error });
  const versions = new Map(stale.map(({ id, v }) => [id, v]));
  return deleted.map((id) => deletion(id, versions));
}

function deletion(id: ObjectId, versions: ReadonlyMap<string, string>): PlannedObject {
  const { group, kind, namespace, name } = id;
  const version = versions.get(formatObjectId(id)) ?? '';
  return {
    action: 'Delete',
    apiVersion: apiVersionString({ group, version }),
    kind,
    ...(namespace && { namespace }),
    name,
  };
}
