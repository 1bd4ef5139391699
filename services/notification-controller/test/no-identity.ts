import { DeliveryError } from '../src/provider/delivery-error.ts';
import type { ProviderIdentity } from '../src/provider/provider-identity.ts';

/** A controller, and a Provider, without an identity in a cloud. */
export const noIdentity: ProviderIdentity = {
  azure: () => Promise.reject(new DeliveryError('no identity in Azure')),
  gcp: () => Promise.reject(new DeliveryError('no identity in Google’s cloud')),
};
