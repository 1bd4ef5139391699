import type { AuditRecord, AuditSink } from '@sluice/shared/api';
import type { Bus } from './bus.ts';
import { createOutbox } from './outbox.ts';
import { type Outbox, type OutboxOptions, streamPatienceMs } from './outbox-contract.ts';
import { auditSubject } from './streams.ts';

export type AuditSinkOptions = Pick<
  OutboxOptions<AuditRecord>,
  'dir' | 'logger' | 'clock' | 'metrics' | 'minRetryDelayMs' | 'maxRetryDelayMs'
> & {
  /** Bytes on disk; 64 MiB when unset. */
  maxBytes?: number;
};

/** An audit sink with an outbox: what is published is in the stream or on the local disk before the caller goes on. */
export type AuditOutbox = AuditSink & Pick<Outbox<AuditRecord>, 'depth' | 'flush' | 'close'>;

const defaultMaxBytes = 64 * 1024 * 1024;

/**
 * Creates an audit sink that stores records in the SLUICE_AUDIT stream, through an outbox while it takes none. A record that the stream
 * refuses because it is full waits like one without a server. Attempts to make the same record are stored once.
 */
export function createAuditSink(bus: Bus, options: AuditSinkOptions): AuditOutbox {
  const outbox = createOutbox<AuditRecord>({
    ...options,
    maxBytes: options.maxBytes ?? defaultMaxBytes,
    isInformational: () => false,
    idOf: ({ id }) => id,
    patienceMs: streamPatienceMs,
    deliver: async (record, id) => {
      await bus.publish({ subject: auditSubject(bus.prefix, record.object), data: record, id });
    },
  });
  const stopListening = bus.onReady(() => outbox.retryNow());
  return {
    publish: (record) => outbox.put(record),
    depth: () => outbox.depth(),
    flush: () => outbox.flush(),
    async close() {
      stopListening();
      await outbox.close();
    },
  };
}
