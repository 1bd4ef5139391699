import {
  digestAlgorithms,
  errorMessage,
  FlagError,
  type FlagValues,
  flag,
} from '@sluice/shared/base';
import { parseAddress, readAuthentication } from '@sluice/shared/runtime';

const mebibyte = 1024 * 1024;
const minuteMs = 60_000;

/** Flags of services that store and serve artifacts. Durations are in milliseconds, sizes in bytes. */
export const storageFlags = {
  'storage-path': flag.string({
    default: '/data',
    env: 'STORAGE_PATH',
    help: 'Directory of the artifacts.',
  }),
  'storage-backend': flag.string({
    default: 'filesystem',
    values: ['filesystem', 'nats'],
    help: 'Where artifacts are kept: in --storage-path alone (filesystem), or also in the object store of NATS, from which they come back when the directory is lost (nats).',
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
  'keep-pinned-artifacts': flag.boolean({
    default: false,
    help: 'Keep superseded artifacts too that Kustomizations and HelmReleases name in status.pinnedArtifacts (--pin-artifacts of their controllers), at most 10 or 1 GiB of a namespace. Needs the right to list and watch both kinds.',
  }),
  'artifact-digest-algo': flag.string({
    default: 'sha256',
    values: digestAlgorithms,
    help: 'Algorithm of the digests of artifacts.',
  }),
  'artifact-authentication': flag.string({
    default: 'none',
    values: ['none', 'token'],
    help: 'Who may download artifacts: anybody (none), or with a service account token the accounts of --artifact-readers (token).',
  }),
  'artifact-audience': flag.string({
    default: 'source-controller',
    help: 'Audience for which the tokens of --artifact-authentication=token have to be made.',
  }),
  'artifact-readers': flag.list({
    default: [],
    help: 'Service accounts that may download artifacts with --artifact-authentication=token, as namespace:name.',
  }),
  'artifact-max-size': flag.int({
    default: 1024 * mebibyte,
    min: 1,
    max: 1024 * mebibyte,
    help: 'Most bytes that the files of an artifact may hold together, unpacked; other controllers take no more than the default.',
  }),
};

/** Values of {@link storageFlags}. */
export type StorageFlags = FlagValues<typeof storageFlags>;

/** Where artifacts are served. */
export interface StorageEnvironment {
  /** Host, and port, under which artifacts are downloaded. */
  advertisedAddress: string;
  storage: { host?: string; port: number };
  /** Host at which other Pods reach this one; found out when undefined. */
  podAddress: string | undefined;
  /** Users that may download artifacts; undefined: anybody may. */
  readers: ReadonlySet<string> | undefined;
}

/** Hosts to listen at that name no address. */
const unspecified = ['', '0.0.0.0', '::'];

/** Flags that {@link storageEnvironment} reads. */
type EnvironmentFlags = Pick<
  StorageFlags,
  | 'artifact-audience'
  | 'artifact-authentication'
  | 'artifact-readers'
  | 'storage-addr'
  | 'storage-adv-addr'
>;

/**
 * Works out where, and to whom, a service serves its artifacts.
 *
 * @param service name of the service, and so of its Service
 * @param env `RUNTIME_NAMESPACE`, the namespace of this pod, empty outside of a cluster; and `POD_IP`, its address
 * @throws FlagError that names the flag and the fix
 */
export function storageEnvironment(
  service: string,
  flags: EnvironmentFlags,
  env: Record<string, string | undefined>,
): StorageEnvironment {
  const storage = storageAddress(flags['storage-addr']);
  const host = unspecified.includes(storage.host ?? '') ? env['POD_IP'] || undefined : storage.host;
  return {
    storage,
    advertisedAddress: advertisedAddress(service, flags['storage-adv-addr'], {
      storage,
      namespace: env['RUNTIME_NAMESPACE'] ?? '',
    }),
    podAddress: host?.includes(':') ? `[${host}]` : host,
    readers: readAuthentication(
      {
        mode: flags['artifact-authentication'],
        audience: flags['artifact-audience'],
        accounts: flags['artifact-readers'],
      },
      {
        mode: 'artifact-authentication',
        audience: 'artifact-audience',
        accounts: 'artifact-readers',
      },
    ),
  };
}

function advertisedAddress(
  service: string,
  given: string,
  { storage, namespace }: Pick<StorageEnvironment, 'storage'> & { namespace: string },
): string {
  if (given !== '') return given;
  // The dot at the end saves the search through the resolver's domains.
  if (namespace !== '') return `${service}.${namespace}.svc.cluster.local.`;
  if (storage.port === 0) {
    throw new FlagError('--storage-adv-addr is needed when --storage-addr leaves the port open');
  }
  return `${storage.host ?? '127.0.0.1'}:${storage.port}`;
}

function storageAddress(text: string): StorageEnvironment['storage'] {
  try {
    const address = parseAddress(text);
    if (address !== undefined) return address;
  } catch (error) {
    throw new FlagError(`--storage-addr: ${errorMessage(error)}`);
  }
  throw new FlagError('--storage-addr must be host:port or :port, so that artifacts are served');
}
