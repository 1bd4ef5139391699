// How the API server is spoken to: requests, list-watch, mapping of kinds, identities, expressions.
export { abortable } from './abortable.ts';
export {
  ApiError,
  ConnectionError,
  isAlreadyExists,
  isConflict,
  isForbidden,
  isGone,
  isInvalid,
  isKindMissing,
  isNotFound,
} from './api-error.ts';
export {
  type Computation,
  checkCelCount,
  compileCel,
  compileCelValue,
  type Predicate,
} from './cel.ts';
export { type CelBudget, celBudgetOf } from './cel-budget.ts';
export { CelError } from './cel-error.ts';
export { type ClusterConfig, type Credentials, KubeConfigError } from './cluster-config.ts';
export { readConfigData, readSecretValues, secretTexts, whyNoConfig } from './config-data.ts';
export { createKubeClient } from './create-client.ts';
export { serviceAccountIdentity } from './identity.ts';
export { createInformer } from './informer.ts';
export { withoutManagers } from './informer-objects.ts';
export { IndexedStore, type Indexers } from './informer-store.ts';
export type {
  Informer,
  InformerEvent,
  InformerHealth,
  InformerOptions,
  WatchMonitor,
} from './informer-types.ts';
export { createKindsWatch, type KindsWatch } from './kinds-watch.ts';
export { clusterOfKubeConfig, type LoadKubeConfigOptions, loadKubeConfig } from './kube-config.ts';
export { type KubeConfigReference, kubeConfigKey } from './kube-config-reference.ts';
export {
  type LabelMatcher,
  type LabelSelector,
  labelMatcherOf,
  parseLabelSelector,
} from './label-selector.ts';
export { NoKindMatchError } from './mapper.ts';
export type { ClusterLogin, LogInToCluster } from './remote-config.ts';
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
  TenantClients,
  type TenantOptions,
} from './tenant.ts';
export type { RequestInfo } from './transport.ts';
export type {
  ApplyPatchOptions,
  DeleteOptions,
  Identity,
  KubeClient,
  PatchOptions,
  RequestOptions,
  RestMapper,
  WatchEvent,
  WatchOptions,
} from './types.ts';
export { watchObject } from './watch-object.ts';
