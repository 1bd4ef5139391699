import { join } from 'node:path';
import {
  createBusEventSink,
  createHttpEventSink,
  type EventSinkOptions,
  type OutboxMetrics,
  type OutboxSink,
} from '@sluice/shared/bus';
import { Counter, Gauge, type Registry } from 'prom-client';
import type { ServiceDoors } from './service.ts';

/**
 * Makes the sink of a service's events: the NATS stream, else the notification-controller of `--events-addr`, each
 * behind an outbox on disk.
 *
 * @returns undefined when the service has neither
 * @throws RangeError when `--events-addr` is no HTTP address, or missing with `--events-token-file`
 */
export function createEventSink({
  bus,
  flags,
  logger,
  metrics,
}: ServiceDoors): OutboxSink | undefined {
  const options: EventSinkOptions = {
    dir: join(flags['outbox-path'], 'events'),
    logger,
    metrics: createOutboxMetrics(metrics.registry),
  };
  if (bus !== undefined) return createBusEventSink(bus, options);
  const eventsAddr = flags['events-addr'];
  const tokenFile = flags['events-token-file'] || undefined;
  if (eventsAddr !== '') return createHttpEventSink({ ...options, eventsAddr, tokenFile });
  if (tokenFile === undefined) return undefined;
  throw new RangeError('--events-token-file has no effect without --events-addr: set that too');
}

/** Makes the metrics of the outbox in which events wait. */
export function createOutboxMetrics(registry: Registry): OutboxMetrics {
  const registers = [registry];
  const depth = new Gauge({
    name: 'sluice_outbox_depth',
    help: 'Events that wait to be handed over.',
    registers,
  });
  const size = new Gauge({
    name: 'sluice_outbox_bytes',
    help: 'Bytes on disk of the events that wait to be handed over.',
    registers,
  });
  let oldest: number | undefined;
  new Gauge({
    name: 'sluice_outbox_oldest_seconds',
    help: 'Age of the oldest event that waits to be handed over; 0 without one.',
    registers,
    collect() {
      this.set(oldest === undefined ? 0 : Math.max(0, (Date.now() - oldest) / 1000));
    },
  });
  const dropped = new Counter({
    name: 'sluice_outbox_dropped_total',
    help: 'Events dropped for want of space.',
    registers,
  });
  const deadLetters = new Counter({
    name: 'sluice_outbox_dead_letters_total',
    help: 'Events that can never be handed over, put aside for a person to look at.',
    registers,
  });
  return {
    onDepth(entries, bytes, since) {
      depth.set(entries);
      size.set(bytes);
      oldest = since;
    },
    onDropped: (entries) => dropped.inc(entries),
    onDeadLetter: () => deadLetters.inc(),
  };
}
