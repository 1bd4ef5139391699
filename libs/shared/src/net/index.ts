// Connections whose target an object names: where they may lead.
export type { Dispatcher } from 'undici';
export {
  type AddressClass,
  AddressPolicy,
  type AddressPolicyOptions,
  addressClasses,
  classOf,
  type Refusal,
} from './address-policy.ts';
export { guardedConnector } from './connector.ts';
export {
  createDispatcher,
  type DefaultProxy,
  type DispatcherOptions,
  type DispatcherTls,
  type NamedProxy,
} from './dispatcher.ts';
export {
  createArtifactDispatcher,
  type NetworkFlagValues,
  networkFlags,
  networkGuardOf,
} from './flags.ts';
export { NetworkGuard, type NetworkGuardOptions, type Resolve } from './guard.ts';
export { AddressRefusedError, refusalIn } from './refused-error.ts';
