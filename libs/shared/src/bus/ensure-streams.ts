import {
  DiscardPolicy,
  JetStreamApiError,
  type JetStreamManager,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
} from '@nats-io/jetstream';
import { nanos } from '@nats-io/transport-node';
import { errorMessage, type Logger } from '@sluice/shared/base';
import {
  type StreamDefinition,
  type StreamId,
  streamName,
  streamSubjects,
  streams,
} from './streams.ts';

const streamNotFound = 10059;
const streamNameInUse = 10058;
const insufficientStorage = 10047;
const replicasWithoutCluster = 10074;

const fixes = new Map([
  [insufficientStorage, ': give JetStream at least 704 MiB of file storage'],
  [replicasWithoutCluster, ': set --nats-stream-replicas=1, or run a cluster of NATS servers'],
]);

type WantedConfig = Partial<StreamConfig> & { name: string; subjects: string[] };

/** Which streams to make, and how. */
interface EnsureOptions {
  prefix: string;
  owns: readonly StreamId[];
  replicas: number;
  /** Bytes of those that have others than usual. */
  maxBytes?: Partial<Record<StreamId, number>> | undefined;
  logger: Logger;
}

/** A stream's configuration on the server. */
export function streamConfig(
  prefix: string,
  id: StreamId,
  { replicas, maxBytes }: Pick<EnsureOptions, 'replicas' | 'maxBytes'>,
): WantedConfig {
  const stream: StreamDefinition = streams[id];
  return {
    name: streamName(prefix, id),
    description: stream.description,
    subjects: [streamSubjects(prefix, id)],
    retention: stream.keeps === 'queue' ? RetentionPolicy.Workqueue : RetentionPolicy.Limits,
    storage: StorageType.File,
    discard: stream.whenFull === 'refuse' ? DiscardPolicy.New : DiscardPolicy.Old,
    max_age: nanos(stream.maxAgeMs),
    max_bytes: maxBytes?.[id] ?? stream.maxBytes,
    max_msgs_per_subject: stream.keeps === 'last' ? 1 : (stream.maxPerSubject ?? -1),
    duplicate_window: nanos(stream.duplicateWindowMs),
    allow_direct: true,
    num_replicas: replicas,
    ...(stream.undeletable && { deny_delete: true, deny_purge: true }),
  };
}

/**
 * Creates those streams that are missing and updates those whose limits differ or that have too few replicas. Replicas
 * of the owner do this side by side.
 *
 * @throws Error that names the stream and the fix when the server refuses one; the others are still ensured
 */
export async function ensureStreams(manager: JetStreamManager, o: EnsureOptions): Promise<void> {
  const failures: Error[] = [];
  for (const id of o.owns) {
    const config = streamConfig(o.prefix, id, o);
    try {
      if (await ensureStream(manager, config)) {
        o.logger.info({ stream: config.name }, 'stream created or updated');
      }
    } catch (error) {
      failures.push(refusal(config.name, error));
    }
  }
  if (failures.length > 0) throw new AggregateError(failures);
}

/**
 * Creates a stream, or updates it where it differs.
 *
 * @returns whether that was needed
 */
export async function ensureStream(
  manager: JetStreamManager,
  wanted: WantedConfig,
): Promise<boolean> {
  const existing = await manager.streams.info(wanted.name).catch((error: unknown) => {
    if (error instanceof JetStreamApiError && error.code === streamNotFound) return undefined;
    throw error;
  });
  if (existing === undefined) {
    await manager.streams.add(wanted).catch((error: unknown) => {
      // Another replica created it in between.
      if (!(error instanceof JetStreamApiError && error.code === streamNameInUse)) throw error;
    });
    return true;
  }
  // Storage, retention and more replicas stay as an administrator may have set them.
  const { name, retention, storage, num_replicas = 1, ...others } = wanted;
  const limits = {
    ...others,
    num_replicas: Math.max(num_replicas, existing.config.num_replicas),
  };
  const current = existing.config as unknown as Record<string, unknown>;
  const differs = Object.entries(limits).some(
    ([key, value]) => JSON.stringify(current[key]) !== JSON.stringify(value),
  );
  if (differs) await manager.streams.update(name, { ...existing.config, ...limits });
  return differs;
}

function refusal(stream: string, error: unknown): Error {
  const code = error instanceof JetStreamApiError ? error.code : undefined;
  const fix = fixes.get(code ?? 0) ?? '';
  return new Error(`stream ${stream}: ${errorMessage(error)}${fix}`, { cause: error });
}
