/** Logs in to clouds: as the ServiceAccount of a Provider, else as the controller. */
export interface ProviderIdentity {
  /** @throws DeliveryError when Azure gives no token */
  azure(scope: string): Promise<string>;
  /** @throws DeliveryError when Google gives no token */
  gcp(): Promise<string>;
}
