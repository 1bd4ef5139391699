import { DiscardPolicy, RetentionPolicy, StorageType, type StreamConfig } from '@nats-io/jetstream';
import { nanos } from '@nats-io/transport-node';
import { errorMessage, systemClock } from '@sluice/shared/base';
import type { Bus } from './bus.ts';
import { ensureStream } from './ensure-streams.ts';

/** Milliseconds between two looks whether the bucket is there. */
const lookMs = 10_000;
const duplicateWindowMs = 2 * 60_000;

/** Name of the bucket of artifacts, such as `sluice-artifacts` for the prefix `sluice`. */
export function bucketName(prefix: string): string {
  return `${prefix}-artifacts`.replaceAll(/[^A-Za-z0-9_-]/g, '_');
}

/** Name of the stream that holds a bucket, as NATS names it. */
export function bucketStream(bucket: string): string {
  return `OBJ_${bucket}`;
}

/** Where the pieces of an object are. */
export function chunkSubject(bucket: string, id: string): string {
  return `$O.${bucket}.C.${id}`;
}

/** Where it is said what an object of a name is; all of them for `>`. */
export function infoSubject(bucket: string, token: string): string {
  return `$O.${bucket}.M.${token}`;
}

/** How much of the server a bucket may take. */
export interface BucketSize {
  maxBytes: number;
  replicas: number;
}

/**
 * A bucket's configuration on the server.
 *
 * @see https://github.com/nats-io/nats-architecture-and-design/blob/main/adr/ADR-20.md
 */
function bucketConfig(bucket: string, { maxBytes, replicas }: BucketSize) {
  return {
    name: bucketStream(bucket),
    description: 'Artifacts of sources, which are on the disks of source-controllers as well.',
    subjects: [chunkSubject(bucket, '>'), infoSubject(bucket, '>')],
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    // Nothing that is advertised may be forgotten for something new.
    discard: DiscardPolicy.New,
    max_age: 0,
    max_bytes: maxBytes,
    max_msgs_per_subject: -1,
    duplicate_window: nanos(duplicateWindowMs),
    allow_direct: true,
    allow_rollup_hdrs: true,
    num_replicas: replicas,
  } satisfies Partial<StreamConfig>;
}

/**
 * Makes the bucket of artifacts, and makes it again when it is deleted or changed, until the signal aborts. Never throws:
 * that there is no room for it is logged, and keeps nothing else from working.
 */
export async function keepBucket(bus: Bus, size: BucketSize, signal: AbortSignal): Promise<void> {
  const config = bucketConfig(bucketName(bus.prefix), size);
  let lastError: string | undefined;
  while (!signal.aborted) {
    try {
      const { manager } = await bus.ready(signal);
      if (await ensureStream(manager, config)) {
        bus.logger.info({ stream: config.name }, 'stream created or updated');
      }
      lastError = undefined;
    } catch (error) {
      const text = errorMessage(error);
      if (!signal.aborted && text !== lastError) {
        const { maxBytes } = size;
        bus.logger.warn({ error, stream: config.name, maxBytes }, 'the bucket cannot be made');
      }
      lastError = text;
    }
    await systemClock.sleep(lookMs, signal).catch(() => undefined);
  }
}
