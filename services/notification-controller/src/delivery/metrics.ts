import { Counter, Histogram, type Registry } from 'prom-client';

/** Metrics of deliveries. */
export interface DeliveryMetrics {
  deliveries: Counter<'provider_type' | 'result'>;
  deadLetters: Counter;
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
    took: new Histogram({
      name: 'sluice_delivery_seconds',
      help: 'Time from an event to the delivery of its alert, by type of provider.',
      labelNames: ['provider_type'],
      buckets: deliveryBuckets,
      registers,
    }),
  };
}
