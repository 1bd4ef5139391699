import type { AuditSink } from '@sluice/shared/api';
import { type Clock, errorMessage, type Logger, systemClock } from '@sluice/shared/base';
import { type Audit, noAudit } from './audit.ts';
import { recordOf } from './record-of.ts';

/**
 * Makes the audit trail of a controller; without a sink, one that records nothing.
 *
 * @param o `controllerName` is named by each record
 */
export function createAudit(o: {
  sink: AuditSink | undefined;
  controllerName: string;
  logger: Logger;
  clock?: Clock;
}): Audit {
  const { sink, controllerName: controller, logger, clock = systemClock } = o;
  if (sink === undefined) {
    logger.info('no audit records are kept, for there is no NATS: set --nats-url');
    return noAudit;
  }
  return {
    enabled: true,
    async record(entry) {
      const { action, object } = entry;
      try {
        await sink.publish(recordOf(entry, { controller, nowMs: clock.now() }));
      } catch (error) {
        const { kind, metadata } = object;
        const { namespace, name } = metadata;
        logger.error(
          { error: errorMessage(error), action, object: { kind, namespace, name } },
          'an audit record could not be stored and is lost',
        );
      }
    },
  };
}
