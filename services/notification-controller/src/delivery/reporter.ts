import type { Alert } from '@sluice/shared/api';
import type { Logger } from '@sluice/shared/base';
import type { EventRecorder } from '@sluice/shared/runtime';
import {
  type AttemptResult,
  type DeadLetter,
  type Delivery,
  describeDelivery,
  type FailedAttempt,
} from './delivery.ts';
import type { DeliveryStatus } from './delivery-status.ts';
import type { DeliveryMetrics } from './metrics.ts';
import { onceAnHour } from './once-an-hour.ts';

export interface ReporterContext {
  alertOf: (key: string) => Alert | undefined;
  providerTypeOf: (key: string) => string;
  /** Records Kubernetes Events only: an event about an alert must not become an alert. */
  events: EventRecorder;
  metrics: DeliveryMetrics;
  /** Of the Alerts and Providers. */
  status: Pick<DeliveryStatus, 'attempted' | 'givenUp'>;
  logger: Logger;
  now?: () => number;
}

/**
 * Tells people how deliveries go: log, metrics, status, and an Event on the Alert when one is given up. A Provider that cannot
 * be used as it is costs one line and one Event an hour, however many events come.
 */
export interface Reporter {
  attempted(delivery: Delivery, result: AttemptResult, attempt: number): void;
  givenUp(letter: DeadLetter, result: FailedAttempt): Promise<void>;
  /** A message that holds no event or delivery is a dead letter. */
  unreadable(): void;
  /** A message of the audit trail that holds no record stays there, and goes to nobody. */
  unreadableRecord(message: { subject: string; sequence: number; error: string }): void;
}

export function createReporter(context: ReporterContext): Reporter {
  const { logger, metrics } = context;
  const isDue = onceAnHour(context.now);
  const tells = ({ alert, provider }: Delivery, { unusable, error }: FailedAttempt) =>
    !unusable || isDue(`${alert.namespace}/${alert.name}/${provider}: ${error}`);
  const recordFailure = async (delivery: Delivery, message: string) => {
    const alert = context.alertOf(`${delivery.alert.namespace}/${delivery.alert.name}`);
    if (alert === undefined) return;
    await context.events.record(alert, {
      severity: 'error',
      reason: 'NotificationDispatchFailed',
      message,
    });
  };
  return {
    attempted(delivery, result, attempt) {
      const fields = describeDelivery(delivery);
      const type = context.providerTypeOf(`${delivery.alert.namespace}/${delivery.provider}`);
      metrics.deliveries.inc({ provider_type: type, result: result.type });
      context.status.attempted(delivery, result);
      if (result.type === 'delivered') {
        const seconds = (Date.now() - Date.parse(delivery.event.timestamp)) / 1000;
        metrics.took.observe({ provider_type: type }, Math.max(0, seconds));
      }
      if (result.type === 'failed') {
        // One that is given up at once is told of then.
        if (result.unusable && result.permanent) return;
        if (!tells(delivery, result)) return;
        logger.warn({ ...fields, attempt, error: result.error }, 'A delivery failed');
        if (!result.unusable) return;
        void recordFailure(delivery, `cannot send notifications: ${result.error}`);
      } else if (result.type === 'dropped') {
        logger.info({ ...fields, why: result.why }, 'A delivery is dropped');
      } else {
        logger.info({ ...fields, attempt, result: result.type }, 'A delivery is done');
      }
    },
    unreadable: () => metrics.deadLetters.inc(),
    unreadableRecord(message) {
      metrics.unreadableRecords.inc();
      logger.warn(message, 'An audit record cannot be read and goes to no alert');
    },
    async givenUp(letter, result) {
      const { delivery, error, attempts } = letter;
      metrics.deadLetters.inc();
      context.status.givenUp(delivery);
      if (!tells(delivery, result)) return;
      logger.error({ ...describeDelivery(delivery), attempts, error }, 'A delivery is given up');
      const { kind, namespace, name } = delivery.event.involvedObject;
      await recordFailure(
        delivery,
        `failed to send notification for ${kind}/${namespace}/${name} after ${attempts} attempts: ${error}`,
      );
    },
  };
}
