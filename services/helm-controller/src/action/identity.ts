import { helmGroup, helmReleaseNameLabel, helmReleaseNamespaceLabel } from '@sluice/shared/api';
import { type ApplierIdentity, managersByPrefix } from '@sluice/shared/engine';
import { fieldManager } from '../release/storage.ts';

/**
 * Returns as what everything of a HelmRelease is applied: objects of the release, CRDs and hooks. Fields that clients of
 * Helm own are taken over, so that those which a revision no longer has go away, whoever made the revision before.
 *
 * @param overrideManagers starts of the names of further managers whose fields are taken over
 */
export function helmIdentity(overrideManagers: readonly string[]): ApplierIdentity {
  return {
    fieldManager,
    annotationPrefix: helmGroup,
    nameLabel: helmReleaseNameLabel,
    namespaceLabel: helmReleaseNamespaceLabel,
    overridden: [
      { prefix: 'helm', operation: 'Apply', exact: true },
      { prefix: 'helm', operation: 'Update', exact: true },
      { prefix: fieldManager, operation: 'Update', exact: true },
      ...managersByPrefix(overrideManagers),
    ],
  };
}
