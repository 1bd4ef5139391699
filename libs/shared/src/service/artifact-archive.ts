import { FlagError } from '@sluice/shared/base';
import { type Bus, ObjectBucket } from '@sluice/shared/bus';

/**
 * Makes the archive of artifacts that `--storage-backend` asks for; undefined for none.
 *
 * @throws FlagError when it needs NATS and there is none
 */
export function createArtifactArchive(
  backend: string,
  bus: Bus | undefined,
): ObjectBucket | undefined {
  if (backend !== 'nats') return undefined;
  if (bus !== undefined) return new ObjectBucket(bus);
  throw new FlagError('--storage-backend=nats needs a NATS server: set --nats-url');
}
