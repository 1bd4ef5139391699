import { safePathParts } from './tree.ts';

/** Begins the names of files that are not stored yet. */
export const temporaryPrefix = '.tmp-';

/** Names an object whose artifacts are stored. */
export interface ArtifactOwner {
  namespace: string;
  name: string;
}

/**
 * Returns the directory of an object's artifacts below the root of the storage.
 *
 * @throws UnsafePathError when a part would leave the storage
 */
export function ownerPath(kind: string, owner: ArtifactOwner): string {
  const parts = [kind.toLowerCase(), owner.namespace, owner.name];
  for (const part of parts) {
    if (safePathParts(part).length !== 1) throw new Error(`'${part}' must not contain a slash`);
  }
  return parts.join('/');
}
