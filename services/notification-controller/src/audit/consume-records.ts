import type { AuditRecord } from '@sluice/shared/api';
import {
  type Bus,
  type ConsumedMessage,
  type ConsumeOptions,
  type Consumer,
  consume,
  UnreadableMessageError,
} from '@sluice/shared/bus';
import { withSpan } from '@sluice/shared/runtime';
import { KeyedQueue } from '../delivery/keyed-queue.ts';
import { InvalidEventError } from '../event/event-fields.ts';
import { checkRecord } from './check-record.ts';

export interface RecordsOptions
  extends Required<Pick<ConsumeOptions<unknown>, 'durable' | 'ackWaitMs' | 'onUnreadable'>> {
  bus: Bus;
  /**
   * Stores the deliveries of a record; a record for which it throws comes again.
   *
   * @param storedAt when the trail has stored it, in milliseconds since the epoch
   */
  spread: (record: AuditRecord, storedAt: number) => Promise<void>;
}

const maxInFlight = 32;

/**
 * Reads the audit trail from where the last process was, and acknowledges a record once it is stored for all who want it.
 * A record is tried for as long as the trail has it, ever more rarely, and keeps no other waiting. Those of one object go
 * on in order, but for one that has to be tried again.
 */
export function consumeRecords({ bus, spread, ...o }: RecordsOptions): Consumer {
  const objects = new KeyedQueue();
  return consume<unknown>(bus, {
    ...o,
    stream: 'audit',
    maxInFlight,
    handler: (message) =>
      objects.run(message.subject, () =>
        withSpan('match audit records', { kind: 'consumer' }, async () => {
          await spread(recordIn(message, bus.prefix), message.storedAt);
          return 'ack' as const;
        }),
      ),
  });
}

function recordIn({ data, subject }: ConsumedMessage<unknown>, prefix: string): AuditRecord {
  try {
    return checkRecord(data, { subject, prefix });
  } catch (error) {
    if (!(error instanceof InvalidEventError)) throw error;
    throw new UnreadableMessageError(`it is no audit record: ${error.message}`, { cause: error });
  }
}
