import type { DeletionGuard } from '@sluice/shared/engine';
import type { Release } from '../../release/release.ts';
import { ownershipProblem } from '../ownership.ts';

/** Keeps what does not say in the cluster that it belongs to the release. */
export function otherReleaseGuard(release: Pick<Release, 'name' | 'namespace'>): DeletionGuard {
  return {
    name: 'other release',
    onSight(live) {
      const problem = ownershipProblem(live, release);
      return problem && `it is not owned by this release: ${problem}`;
    },
  };
}
