import type { ArtifactStore } from '@sluice/shared/artifact';
import { done, type Outcome } from '@sluice/shared/runtime';
import { ownerOf, type SourceContext } from './source.ts';

/** Removes what was stored for an object that is being deleted. */
export async function removeArtifacts(
  { object }: Pick<SourceContext, 'object'>,
  { store }: { store: ArtifactStore },
): Promise<Outcome> {
  await store.remove(object.kind, ownerOf(object));
  return done();
}
