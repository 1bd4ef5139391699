// The client half of the room: requests, list-watch, mapping of kinds, identities.
export {
  ApiError,
  type ApiErrorOptions,
  ConnectionError,
  isAlreadyExists,
  isConflict,
  isForbidden,
  isGone,
  isInvalid,
  isKindMissing,
  isNotFound,
  isTransient,
  type StatusCause,
  type StatusDetails,
} from './api-error.ts';
export {
  type ClusterConfig,
  type Credentials,
  KubeConfigError,
  type TlsMaterial,
} from './cluster-config.ts';
export { createKubeClient, type KubeClientOptions } from './create-client.ts';
export { serviceAccountIdentity } from './identity.ts';
export { createInformer } from './informer.ts';
export { IndexedStore, type Indexers } from './informer-store.ts';
export type {
  Informer,
  InformerEvent,
  InformerHealth,
  InformerOptions,
  InformerPart,
  RefusedObject,
  WatchMonitor,
} from './informer-types.ts';
export { type LoadKubeConfigOptions, loadKubeConfig } from './kube-config.ts';
export { NoKindMatchError } from './mapper.ts';
export {
  type ApiResource,
  apiVersionString,
  coreResources,
  type GroupVersionKind,
  gvkOf,
  keyOf,
  type ObjectKey,
  parseKey,
  resourceOf,
} from './resource.ts';
export {
  clientForTenant,
  type KubeConfigReference,
  TenantClients,
  type TenantClientsOptions,
  type TenantOptions,
} from './tenant.ts';
export type { RequestInfo } from './transport.ts';
export type {
  ApplyPatchOptions,
  DeleteOptions,
  GetOptions,
  Identity,
  KubeClient,
  ListOptions,
  PatchOptions,
  RawRequestOptions,
  RequestOptions,
  RestMapper,
  WatchEvent,
  WatchOptions,
  WriteOptions,
} from './types.ts';
