import { type FlagValues, flag, parseFlags } from '@sluice/shared/base';
import { artifactTokenFlags } from '@sluice/shared/net';
import { commonFlags, parseFeatureGates } from '@sluice/shared/runtime';
import { type StorageEnvironment, storageEnvironment, storageFlags } from '@sluice/shared/storage';
import { controllerName } from './names.ts';

const {
  'watch-configs-label-selector': _,
  'default-service-account': __,
  'token-cache-max-size': ___,
  'token-cache-max-duration': ____,
  ...sharedFlags
} = commonFlags;
/** Where Flux is installed, unless told otherwise. */
const defaultNamespace = 'flux-system';

/** Flags of source-watcher. Durations are in milliseconds, sizes in bytes. */
export const flags = {
  ...sharedFlags,
  ...storageFlags,
  ...artifactTokenFlags,
  concurrent: flag.int({
    default: 10,
    min: 1,
    max: 1000,
    help: 'Number of reconciles of each kind that run at once for one namespace; one more runs for others.',
  }),
  'http-retry': flag.int({
    default: 9,
    min: 0,
    help: 'Number of retries of a failing download of an artifact.',
  }),
  'requeue-dependency': flag.duration({
    default: 5_000,
    min: 1000,
    help: 'Longest time until an object that waits for its sources looks again; their changes are noticed at once.',
  }),
  'reconciliation-timeout': flag.duration({
    default: 600_000,
    min: 0,
    help: 'Accepted for compatibility: downloads and compositions have limits of their own.',
  }),
  'work-path': flag.string({
    default: '/tmp/source-watcher',
    help: 'Directory for unpacked artifacts; it belongs to the service alone.',
  }),
  'artifact-cache-size': flag.int({
    default: 512,
    min: 16,
    help: 'Unpacked artifacts that are kept on disk, in MiB.',
  }),
  'graceful-shutdown-timeout': flag.duration({
    default: 20_000,
    min: 0,
    help: 'Time that running reconciles get to finish on shutdown.',
  }),
};

/** Accepted for compatibility: sources come from watches, and from the API server when those do not know them. */
const gates = { DirectSourceFetch: false };

export interface Config extends FlagValues<typeof flags>, StorageEnvironment {
  /** Namespace of this pod; empty outside of a cluster. */
  runtimeNamespace: string;
  /** Namespace of the Lease for leader election. */
  leaseNamespace: string;
  /** `host:port` at which a controller outside of the cluster reaches source-controller; undefined in the cluster. */
  sourceControllerLocalhost: string | undefined;
}

/**
 * Reads flags and environment.
 *
 * @throws FlagError that names the flag and the fix
 */
export function readConfig(
  argv: readonly string[],
  env: Record<string, string | undefined>,
): Config {
  const values = parseFlags(flags, argv, env);
  parseFeatureGates(values['feature-gates'], gates);
  const runtimeNamespace = env['RUNTIME_NAMESPACE'] ?? '';
  return {
    ...values,
    runtimeNamespace,
    leaseNamespace: runtimeNamespace || defaultNamespace,
    ...storageEnvironment(controllerName, values, env),
    sourceControllerLocalhost: env['SOURCE_CONTROLLER_LOCALHOST'] || undefined,
  };
}
