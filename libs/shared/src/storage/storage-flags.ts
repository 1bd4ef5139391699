import { errorMessage, FlagError, type FlagValues, flag } from '@sluice/shared/base';
import { parseAddress } from '@sluice/shared/runtime';

const mebibyte = 1024 * 1024;
const minuteMs = 60_000;

/** Flags of services that store and serve artifacts. Durations are in milliseconds, sizes in bytes. */
export const storageFlags = {
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
};

/** Values of {@link storageFlags}. */
export type StorageFlags = FlagValues<typeof storageFlags>;

/** Where artifacts are served. */
export interface StorageEnvironment {
  /** Host, and port, under which artifacts are downloaded. */
  advertisedAddress: string;
  storage: { host?: string; port: number };
}

/**
 * Works out where a service serves its artifacts.
 *
 * @param service name of the service, and so of its Service
 * @param namespace of this pod; empty outside of a cluster
 * @throws FlagError that names the flag and the fix
 */
export function storageEnvironment(
  service: string,
  flags: Pick<StorageFlags, 'storage-addr' | 'storage-adv-addr'>,
  namespace: string,
): StorageEnvironment {
  const storage = storageAddress(flags['storage-addr']);
  const given = flags['storage-adv-addr'];
  if (given !== '') return { storage, advertisedAddress: given };
  // The dot at the end saves the search through the resolver's domains.
  if (namespace !== '')
    return { storage, advertisedAddress: `${service}.${namespace}.svc.cluster.local.` };
  if (storage.port === 0) {
    throw new FlagError('--storage-adv-addr is needed when --storage-addr leaves the port open');
  }
  return { storage, advertisedAddress: `${storage.host ?? '127.0.0.1'}:${storage.port}` };
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
