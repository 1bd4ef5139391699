import { join } from 'node:path';
import {
  type AuditOutbox,
  createAuditSink,
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

/** Makes the sink of a service's audit records: the NATS stream, behind an outbox on disk; undefined without NATS. */
export function createAuditOutbox({
  bus,
  flags,
  logger,
  metrics,
}: ServiceDoors): AuditOutbox | undefined {
  if (bus === undefined) return undefined;
  return createAuditSink(bus, {
    dir: join(flags['outbox-path'], 'audit'),
    logger,
    metrics: createOutboxMetrics(metrics.registry, auditNames),
  });
}

/** How an outbox and what waits in it are called in metrics. */
interface OutboxNames {
  prefix: string;
  entries: string;
  entry: string;
}

const eventNames: OutboxNames = { prefix: 'sluice_outbox', entries: 'Events', entry: 'event' };
const auditNames: OutboxNames = {
  prefix: 'sluice_audit_outbox',
  entries: 'Audit records',
  entry: 'audit record',
};

/** Makes the metrics of an outbox, that of events unless told. */
export function createOutboxMetrics(
  registry: Registry,
  { prefix, entries, entry }: OutboxNames = eventNames,
): OutboxMetrics {
  const registers = [registry];
  const depth = new Gauge({
    name: `${prefix}_depth`,
    help: `${entries} that wait to be handed over.`,
    registers,
  });
  const size = new Gauge({
    name: `${prefix}_bytes`,
    help: `Bytes on disk of the ${entry}s that wait to be handed over.`,
    registers,
  });
  let oldest: number | undefined;
  new Gauge({
    name: `${prefix}_oldest_seconds`,
    help: `Age of the oldest ${entry} that waits to be handed over; 0 without one.`,
    registers,
    collect() {
      this.set(oldest === undefined ? 0 : Math.max(0, (Date.now() - oldest) / 1000));
    },
  });
  const dropped = new Counter({
    name: `${prefix}_dropped_total`,
    help: `${entries} dropped for want of space.`,
    registers,
  });
  const deadLetters = new Counter({
    name: `${prefix}_dead_letters_total`,
    help: `${entries} that can never be handed over, put aside for a person to look at.`,
    registers,
  });
  return {
    onDepth(waiting, bytes, since) {
      depth.set(waiting);
      size.set(bytes);
      oldest = since;
    },
    onDropped: (lost) => dropped.inc(lost),
    onDeadLetter: () => deadLetters.inc(),
  };
}
