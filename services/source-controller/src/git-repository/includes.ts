import type { Artifact, GitRepository } from '@sluice/shared/api';
import { WaitingError } from '@sluice/shared/base';
import { cleanPath } from '../source/clean-path.ts';

/** Files of another artifact that are copied into this one. */
export interface Inclusion {
  /** Path of the archive below the root of the storage. */
  archive: string;
  /** Directory inside the archive, empty for its root. */
  from: string;
  /** Directory inside the new artifact. */
  to: string;
}

/** Finds another GitRepository by its key. */
export type FindRepository = (key: string) => GitRepository | undefined;

/**
 * Finds the artifacts of the included repositories, in the order of `spec.include`.
 *
 * @throws WaitingError `NotFound` or `NoArtifact` until each has one
 */
export function findIncluded(object: GitRepository, find: FindRepository): Artifact[] {
  return (object.spec.include ?? []).map(({ repository }) => {
    const other = find(`${object.metadata.namespace}/${repository.name}`);
    if (other === undefined) {
      throw new WaitingError(
        'NotFound',
        `could not get resource for include '${repository.name}': it does not exist`,
      );
    }
    const artifact = other.status?.artifact;
    if (artifact === undefined) {
      throw new WaitingError(
        'NoArtifact',
        `no artifact available for include '${repository.name}'`,
      );
    }
    return artifact;
  });
}

/**
 * Says which files go where.
 *
 * @throws StalledError `IllegalPath` when a path would leave the artifact
 */
export function inclusionsOf(object: GitRepository, artifacts: Artifact[]): Inclusion[] {
  return (object.spec.include ?? []).map((include, index) => ({
    archive: (artifacts[index] as Artifact).path,
    from: cleanPath(include.fromPath ?? '', `spec.include[${index}].fromPath`),
    to: cleanPath(include.toPath || include.repository.name, `spec.include[${index}].toPath`),
  }));
}
