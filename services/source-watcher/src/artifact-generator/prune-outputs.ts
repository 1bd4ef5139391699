import { externalArtifactKind, type KindDefinition } from '@sluice/shared/api';
import { isConflict, isNotFound, resourceOf } from '@sluice/shared/kube';
import type { GeneratorContext, GeneratorDeps } from './deps.ts';
import { type InventoryEntry, isMadeBy, otherMakerOf, outputKind, ownerOf } from './outputs.ts';
import { findLive, type Live } from './publish-output.ts';

const resource = resourceOf(externalArtifactKind as KindDefinition);

/**
 * Deletes ExternalArtifacts that are no longer made, with what is stored for them. One that is another's now, or
 * nobody's, stays.
 *
 * @throws ApiError when the API server refuses it
 */
export async function pruneOutputs(
  context: GeneratorContext,
  deps: GeneratorDeps,
  entries: readonly InventoryEntry[],
): Promise<void> {
  const { object, logger } = context;
  for (const { name } of entries) {
    const live = await findLive(context, deps, name);
    if (live !== undefined && otherMakerOf(object, live, deps) !== undefined) continue;
    // Once the object is gone, another ArtifactGenerator may store under its name.
    await deps.store.remove(outputKind, ownerOf(object, name));
    if (live !== undefined && isMadeBy(object, live)) await remove(context, live);
    logger.info({ output: name }, 'Removed artifact');
  }
}

async function remove({ client }: GeneratorContext, live: NonNullable<Live>): Promise<void> {
  try {
    // Only the object that was looked at: another one may have its name by now.
    await client.delete(resource, live.metadata, { uid: live.metadata.uid });
  } catch (error) {
    if (!isNotFound(error) && !isConflict(error)) throw error;
  }
}
