import { StalledError } from '@sluice/shared/base';
import { featureGateReason } from './names.ts';

/**
 * Refuses to log in to a cloud as a ServiceAccount of an object, unless the feature gate lets it.
 *
 * @throws StalledError `FeatureGateDisabled`
 */
export function refuseServiceAccount(name: string | undefined, isObjectLevel: boolean): void {
  if (!name || isObjectLevel) return;
  throw new StalledError(
    featureGateReason,
    'spec.serviceAccountName needs the feature gate ObjectLevelWorkloadIdentity to log in to a cloud: set --feature-gates=ObjectLevelWorkloadIdentity=true, or remove it',
  );
}
