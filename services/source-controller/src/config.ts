import { FlagError, type FlagValues, flag, parseFlags } from '@sluice/shared/base';
import { findProgram } from '@sluice/shared/cli';
import { type CloudEnvironment, checkIdentityFlags, cloudEnvironment } from '@sluice/shared/cloud';
import { artifactTokenFlags, type DefaultProxy } from '@sluice/shared/net';
import { commonFlags, parseFeatureGates } from '@sluice/shared/runtime';
import { type StorageEnvironment, storageEnvironment, storageFlags } from '@sluice/shared/storage';
import { controllerName } from './source/names.ts';
import { publicRepository } from './verification/trust-root/public-trust-root.ts';

const {
  'watch-configs-label-selector': _,
  'no-cross-namespace-refs': noCrossNamespaceRefs,
  ...sharedFlags
} = commonFlags;
const mebibyte = 1024 * 1024;
const minuteMs = 60_000;
/** Where Flux is installed, unless told otherwise. */
const defaultNamespace = 'flux-system';

/** Flags of source-controller. Durations are in milliseconds, sizes in bytes. */
export const flags = {
  ...sharedFlags,
  concurrent: flag.int({
    default: 2,
    min: 1,
    max: 1000,
    help: 'Number of artifacts that are made at once; sources that wait for a server do not count.',
  }),
  ...storageFlags,
  ...artifactTokenFlags,
  'no-cross-namespace-refs': {
    ...noCrossNamespaceRefs,
    help: 'Let pins of artifacts (--keep-pinned-artifacts) count in the namespace of the artifact only.',
  },
  'memory-budget': flag.int({
    default: 640 * mebibyte,
    min: 128 * mebibyte,
    help: 'Bytes that threads which make artifacts may hold in memory at a time; three quarters of it for one namespace. Others wait in turn, and what needs more is refused. The process itself takes some 200 MiB besides.',
  }),
  'namespace-download-rate': flag.int({
    default: 16 * mebibyte,
    min: 64 * 1024,
    help: 'Bytes a second that the sources of one namespace may download for long while those of others download as well; four times as much may come at once. A namespace that is alone is not slowed.',
  }),
  'requeue-dependency': flag.duration({
    default: 30_000,
    min: 1000,
    help: 'Time after which a source that waits for another is looked at again, should no event come.',
  }),
  'helm-index-max-size': flag.int({
    default: 50 * mebibyte,
    min: 0,
    help: 'Largest index of a Helm repository, in bytes.',
  }),
  'helm-chart-max-size': flag.int({
    default: 10 * mebibyte,
    min: 0,
    help: 'Largest packed Helm chart, in bytes.',
  }),
  'helm-chart-file-max-size': flag.int({
    default: 5 * mebibyte,
    min: 0,
    help: 'Largest file, in bytes, in the directory of a Helm chart that is packed here, and largest values or metadata file.',
  }),
  'helm-cache-max-size': flag.int({
    default: 0,
    min: 0,
    help: 'Number of Helm indexes kept in memory; 0 for as many as fit into 64 MiB.',
  }),
  'helm-cache-ttl': flag.duration({
    default: 15 * minuteMs,
    min: 0,
    help: 'Time for which a Helm index is kept in memory after its last use.',
  }),
  'helm-cache-purge-interval': flag.duration({
    default: minuteMs,
    min: 1000,
    help: 'Time between two looks for Helm indexes to forget.',
  }),
  'ssh-kex-algos': flag.list({
    default: [],
    help: 'Key exchange algorithms that Git servers may choose over SSH, in order; the usual ones when empty.',
  }),
  'ssh-hostkey-algos': flag.list({
    default: [],
    help: 'Algorithms by which Git servers may prove their keys over SSH, in order; the usual ones when empty.',
  }),
  'notation-verifier': flag.string({
    default: 'notation-verifier',
    help: 'Name or path of the program that checks signatures of notation.',
  }),
  'sigstore-trusted-root': flag.string({
    default: '',
    help: 'File with the trusted_root.json for keyless signatures of cosign, where an object names none.',
  }),
  'sigstore-tuf-mirror': flag.string({
    default: publicRepository,
    help: 'Address of the repository of TUF from which that file is fetched once a day when neither an object nor --sigstore-trusted-root names one; empty to fetch none.',
  }),
  'sigstore-tuf-root': flag.string({
    default: '',
    help: 'File with the root.json that the repository is trusted by; empty for that of sigstore.dev.',
  }),
  'sigstore-tuf-cache': flag.string({
    default: '/tmp/.sigstore',
    env: 'TUF_ROOT',
    help: 'Directory for what was fetched from the repository of TUF.',
  }),
  'graceful-shutdown-timeout': flag.duration({
    default: 20_000,
    min: 0,
    help: 'Time that running reconciles get to finish on shutdown.',
  }),
};

/** Feature gates, with their defaults. */
const gates = {
  ObjectLevelWorkloadIdentity: false,
  // Accepted for compatibility; what they switch is either always so or does not exist here.
  CacheSecretsAndConfigMaps: false,
  OptimizedGitClones: true,
};

export interface Config extends FlagValues<typeof flags>, StorageEnvironment {
  /** Namespace of this pod; empty outside of a cluster. */
  runtimeNamespace: string;
  /** Namespace of the Lease for leader election. */
  leaseNamespace: string;
  proxy: DefaultProxy;
  /** As whom the controller itself logs in to clouds. */
  cloud: CloudEnvironment;
  gates: Record<keyof typeof gates, boolean>;
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
  const runtimeNamespace = env['RUNTIME_NAMESPACE'] ?? '';
  const enabled = parseFeatureGates(values['feature-gates'], gates);
  checkIdentityFlags(values, enabled.ObjectLevelWorkloadIdentity);
  return {
    ...values,
    'sigstore-tuf-mirror': mirrorIn(values['sigstore-tuf-mirror']),
    'notation-verifier': findProgram(values['notation-verifier'], env['PATH']),
    runtimeNamespace,
    leaseNamespace: runtimeNamespace || defaultNamespace,
    ...storageEnvironment(controllerName, values, env),
    proxy: {
      httpProxy: env['HTTP_PROXY'] ?? env['http_proxy'],
      httpsProxy: env['HTTPS_PROXY'] ?? env['https_proxy'],
      noProxy: env['NO_PROXY'] ?? env['no_proxy'],
    },
    cloud: cloudEnvironment(env),
    gates: enabled,
  };
}

function mirrorIn(text: string): string {
  if (text === '') return '';
  const url = URL.parse(text);
  if (url !== null && ['http:', 'https:'].includes(url.protocol) && url.search + url.hash === '') {
    return url.href.replace(/\/+$/, '');
  }
  throw new FlagError(
    '--sigstore-tuf-mirror must be an address of http or https, such as https://tuf-repo-cdn.sigstore.dev, or empty',
  );
}
