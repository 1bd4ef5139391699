import { errorMessage, FlagError, type FlagValues, flag, parseFlags } from '@sluice/shared/base';
import type { DefaultProxy } from '@sluice/shared/net';
import { commonFlags, parseAddress } from '@sluice/shared/runtime';

const {
  'watch-configs-label-selector': _,
  'default-service-account': __,
  'no-cross-namespace-refs': ___,
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
  'storage-path': flag.string({
    default: '/data',
    env: 'STORAGE_PATH',
    help: 'Directory of the artifacts.',
  }),
  'storage-addr': flag.string({
    default: ':9090',
    env: 'STORAGE_ADDRESS',
    help: 'Address at which artifacts are served.',
  }),
  'storage-adv-addr': flag.string({
    default: '',
    env: 'STORAGE_ADV_ADDR',
    help: 'Host, and port if it is not 80, under which other controllers download artifacts; empty for the Service of this controller.',
  }),
  'artifact-retention-ttl': flag.duration({
    default: minuteMs,
    min: 0,
    help: 'Time for which an artifact is kept after it was superseded.',
  }),
  'artifact-retention-records': flag.int({
    default: 2,
    min: 1,
    help: 'Number of artifacts kept for each source, the current one included.',
  }),
  'artifact-digest-algo': flag.string({
    default: 'sha256',
    values: ['sha256', 'sha384', 'sha512'],
    help: 'Algorithm of the digests of artifacts.',
  }),
  'artifact-max-size': flag.int({
    default: 1024 * mebibyte,
    min: 1,
    max: 1024 * mebibyte,
    help: 'Most bytes that the files of an artifact may hold together, unpacked; other controllers take no more than the default.',
  }),
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
  'graceful-shutdown-timeout': flag.duration({
    default: 20_000,
    min: 0,
    help: 'Time that running reconciles get to finish on shutdown.',
  }),
};

export interface Config extends FlagValues<typeof flags> {
  /** Namespace of this pod; empty outside of a cluster. */
  runtimeNamespace: string;
  /** Namespace of the Lease for leader election. */
  leaseNamespace: string;
  /** Host, and port, under which artifacts are downloaded. */
  advertisedAddress: string;
  /** Where artifacts are served. */
  storage: { host?: string; port: number };
  proxy: DefaultProxy;
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
  const storage = storageAddress(values['storage-addr']);
  const runtimeNamespace = env['RUNTIME_NAMESPACE'] ?? '';
  return {
    ...values,
    runtimeNamespace,
    leaseNamespace: runtimeNamespace || defaultNamespace,
    storage,
    advertisedAddress: advertisedAddress(values['storage-adv-addr'], storage, runtimeNamespace),
    proxy: {
      httpProxy: env['HTTP_PROXY'] ?? env['http_proxy'],
      httpsProxy: env['HTTPS_PROXY'] ?? env['https_proxy'],
      noProxy: env['NO_PROXY'] ?? env['no_proxy'],
    },
  };
}

function storageAddress(text: string): { host?: string; port: number } {
  try {
    const address = parseAddress(text);
    if (address !== undefined) return address;
  } catch (error) {
    throw new FlagError(`--storage-addr: ${errorMessage(error)}`);
  }
  throw new FlagError('--storage-addr must be host:port or :port, so that artifacts are served');
}

function advertisedAddress(
  given: string,
  storage: { host?: string; port: number },
  namespace: string,
): string {
  if (given !== '') return given;
  // The dot at the end saves the search through the resolver's domains.
  if (namespace !== '') return `source-controller.${namespace}.svc.cluster.local.`;
  if (storage.port === 0) {
    throw new FlagError('--storage-adv-addr is needed when --storage-addr leaves the port open');
  }
  return `${storage.host ?? '127.0.0.1'}:${storage.port}`;
}
