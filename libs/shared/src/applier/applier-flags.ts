import { FlagError, flag } from '@sluice/shared/base';
import { type CloudEnvironment, cloudEnvironment } from '@sluice/shared/cloud';
import { artifactTokenFlags } from '@sluice/shared/net';
import { commonFlags } from '@sluice/shared/runtime';

/** Flags of the controllers that apply objects, as Flux names them, and ours. Durations are in milliseconds. */
export const applierFlags = {
  ...commonFlags,
  ...artifactTokenFlags,
  'requeue-dependency': flag.duration({
    default: 30_000,
    min: 1000,
    help: 'Longest time until an object that waits for a dependency or its source looks again; their changes are noticed at once.',
  }),
  'http-retry': flag.int({
    default: 9,
    min: 0,
    help: 'Number of retries of a failing download of an artifact.',
  }),
  'default-kubeconfig-service-account': flag.string({
    default: '',
    help: 'ServiceAccount that logs in to remote clusters by spec.kubeConfig.configMapRef when the ConfigMap names none; needs the feature gate ObjectLevelWorkloadIdentity.',
  }),
  'override-manager': flag.list({
    default: [],
    help: 'Field managers whose fields are taken over like those of kubectl; may be given several times.',
  }),
  'insecure-kubeconfig-exec': flag.boolean({
    default: false,
    help: 'Allow kubeconfigs of tenants to run programs.',
  }),
  'insecure-kubeconfig-tls': flag.boolean({
    default: false,
    help: 'Allow kubeconfigs of tenants to skip the verification of certificates.',
  }),
  'pin-artifacts': flag.boolean({
    default: false,
    help: 'Name in status.pinnedArtifacts the artifact that was last applied with success, for --keep-pinned-artifacts of source-controller and source-watcher.',
  }),
  'cluster-windows-namespace': flag.string({
    default: '',
    help: 'Namespace whose Windows are for objects of every namespace; empty for none. Nobody but administrators should write there.',
  }),
  'prune-guard-max-percent': flag.int({
    default: 100,
    min: 0,
    max: 100,
    help: 'Largest share of its objects, in percent, that a change of an object without spec.changePolicy.pruneGuard may delete without an Approval.',
  }),
  'prune-guard-max-objects': flag.int({
    default: 0,
    min: 0,
    help: 'Largest number of objects that a change of an object without spec.changePolicy.pruneGuard may delete without an Approval; 0 for any.',
  }),
  'kustomize-builder': flag.string({
    default: 'kustomize-builder',
    help: 'Name or path of the program that builds kustomizations.',
  }),
};

/** What a service that applies objects is told by its environment. */
export interface ApplierEnvironment {
  /** Namespace that the service runs in. */
  namespace: string;
  /** The only namespace to watch; undefined for all. */
  watchNamespace: string | undefined;
  /** `host:port` at which a controller outside of the cluster reaches source-controller; undefined in the cluster. */
  sourceControllerLocalhost: string | undefined;
  /** As whom the controller itself logs in to clouds. */
  cloud: CloudEnvironment;
}

/**
 * Picks what a service that applies objects needs out of its environment.
 *
 * @throws FlagError naming the flag and the fix
 */
export function applierEnvironment(
  flags: { 'watch-all-namespaces': boolean },
  env: Record<string, string | undefined>,
): ApplierEnvironment {
  const watchesAll = flags['watch-all-namespaces'];
  if (!watchesAll && !env['RUNTIME_NAMESPACE'])
    throw new FlagError('--watch-all-namespaces=false needs RUNTIME_NAMESPACE in the environment');
  const namespace = env['RUNTIME_NAMESPACE'] ?? 'flux-system';
  return {
    namespace,
    watchNamespace: watchesAll ? undefined : namespace,
    sourceControllerLocalhost: env['SOURCE_CONTROLLER_LOCALHOST'] || undefined,
    cloud: cloudEnvironment(env),
  };
}
