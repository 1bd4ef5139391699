import type { Alert } from '@sluice/shared/api';
import type { Logger } from '@sluice/shared/base';
import type { EventRecorder } from '@sluice/shared/runtime';
import type { AttemptResult, DeadLetter, Delivery } from './delivery.ts';
import type { DeliveryMetrics } from './metrics.ts';

export interface ReporterContext {
  alertOf: (key: string) => Alert | undefined;
  providerTypeOf: (key: string) => string;
  /** Records Kubernetes Events only: an event about an alert must not become an alert. */
  events: EventRecorder;
  metrics: DeliveryMetrics;
  logger: Logger;
}

/** Tells people how deliveries go: log, metrics, and an Event on the Alert when one is given up. */
export interface Reporter {
  attempted(delivery: Delivery, result: AttemptResult, attempt: number): void;
  givenUp(letter: DeadLetter): Promise<void>;
  /** A message that holds no event or delivery is a dead letter. */
  unreadable(): void;
}

export function createReporter(context: ReporterContext): Reporter {
  const { logger, metrics } = context;
  return {
    attempted(delivery, result, attempt) {
      const fields = describe(delivery);
      const type = context.providerTypeOf(`${delivery.alert.namespace}/${delivery.provider}`);
      metrics.deliveries.inc({ provider_type: type, result: result.type });
      if (result.type === 'delivered') {
        const seconds = (Date.now() - Date.parse(delivery.event.timestamp)) / 1000;
        metrics.took.observe({ provider_type: type }, Math.max(0, seconds));
      }
      if (result.type === 'failed') {
        logger.warn({ ...fields, attempt, error: result.error }, 'A delivery failed');
      } else if (result.type === 'dropped') {
        logger.info({ ...fields, why: result.why }, 'A delivery is dropped');
      } else {
        logger.info({ ...fields, attempt, result: result.type }, 'A delivery is done');
      }
    },
    unreadable: () => metrics.deadLetters.inc(),
    async givenUp(letter) {
      const { delivery, error, attempts } = letter;
      metrics.deadLetters.inc();
      logger.error({ ...describe(delivery), attempts, error }, 'A delivery is given up');
      const { namespace, name } = delivery.alert;
      const alert = context.alertOf(`${namespace}/${name}`);
      if (alert === undefined) return;
      const object = delivery.event.involvedObject;
      await context.events.record(alert, {
        severity: 'error',
        reason: 'NotificationDispatchFailed',
        message: `failed to send notification for ${object.kind}/${object.namespace}/${object.name} after ${attempts} attempts: ${error}`,
      });
    },
  };
}

function describe({ alert, provider, event }: Delivery): Record<string, string> {
  const { kind, namespace, name } = event.involvedObject;
  return {
    alert: `${alert.namespace}/${alert.name}`,
    provider,
    object: `${kind}/${namespace}/${name}`,
    reason: event.reason,
  };
}
