import {
  kustomizationNameLabel,
  kustomizationNamespaceLabel,
  kustomizeGroup,
} from '@sluice/shared/api';
import { type ApplierIdentity, kubectlManagers, managersByPrefix } from '@sluice/shared/engine';

/**
 * Returns as what objects of Kustomizations are applied; Flux uses the same names.
 *
 * @param overrideManagers starts of the names of managers whose fields are taken over besides those of kubectl
 */
export function kustomizeIdentity(overrideManagers: readonly string[]): ApplierIdentity {
  return {
    fieldManager: 'kustomize-controller',
    annotationPrefix: kustomizeGroup,
    nameLabel: kustomizationNameLabel,
    namespaceLabel: kustomizationNamespaceLabel,
    overridden: managersByPrefix([...kubectlManagers, ...overrideManagers]),
    leavesOutUnknown: true,
  };
}
