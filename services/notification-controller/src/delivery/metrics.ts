import type { Logger } from '@sluice/shared/base';
import { Counter, Histogram, type Registry } from 'prom-client';
import type { Suppression } from '../noise/noise.ts';
import { type Delivery, describeDelivery } from './delivery.ts';
import type { DeliveryStatus } from './delivery-status.ts';

/** Metrics of deliveries. */
export interface DeliveryMetrics {
  deliveries: Counter<'provider_type' | 'result'>;
  deadLetters: Counter;
  unreadableRecords: Counter;
  suppressed: Counter<'why'>;
  /** Seconds from the event to its delivery. */
  took: Histogram<'provider_type'>;
}

const deliveryBuckets = [0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600];

/** Registers them. */
export function deliveryMetrics(registry: Registry): DeliveryMetrics {
  const registers = [registry];
  return {
    deliveries: new Counter({
      name: 'sluice_deliveries_total',
      help: 'Attempts to deliver an alert, by type of provider and result.',
      labelNames: ['provider_type', 'result'],
      registers,
    }),
    deadLetters: new Counter({
      name: 'sluice_dead_letters_total',
      help: 'Alerts that were given up, and messages that could not be read.',
      registers,
    }),
    unreadableRecords: new Counter({
      name: 'sluice_audit_records_unreadable_total',
      help: 'Records of the audit trail that could not be read, and went to no alert.',
      registers,
    }),
    suppressed: new Counter({
      name: 'sluice_alerts_suppressed_total',
      help: 'Deliveries that the rules of an alert held back, by why: grouped, quiet, repeated, threshold.',
      labelNames: ['why'],
      registers,
    }),
    took: new Histogram({
      name: 'sluice_delivery_seconds',
      help: 'Time from an event to the delivery of its alert, by type of provider.',
      labelNames: ['provider_type'],
      buckets: deliveryBuckets,
      registers,
    }),
  };
}

/** Makes the function that tells of deliveries which the rules of their alert hold back. */
export function suppressionReport(o: {
  counters: DeliveryMetrics;
  status: DeliveryStatus;
  logger: Logger;
}) {
  return (delivery: Delivery, why: Suppression): void => {
    o.counters.suppressed.inc({ why });
    // What waits in a group may be delivered yet.
    if (why !== 'grouped') o.status.attempted(delivery, { type: 'dropped', why });
    o.logger.info({ ...describeDelivery(delivery), why }, 'A delivery is held back');
  };
}
