import { join } from 'node:path';
import type { EventSink, FluxEvent } from '@sluice/shared/api';
import { createBusEventSink, type OutboxSink } from '@sluice/shared/bus';
import { type Dispatcher, networkGuardOf } from '@sluice/shared/net';
import { createEventRecorder, type EventRecorder } from '@sluice/shared/runtime';
import { createOutboxMetrics, type ServiceDoors } from '@sluice/shared/service';
import { spreadRecord } from './audit/spread-record.ts';
import type { Config } from './config.ts';
import { createAttempt } from './delivery/attempt.ts';
import { type BusPipelineOptions, createBusPipeline } from './delivery/bus-pipeline.ts';
import { busDeliveredLog, type DeliveredLog, memoryDeliveredLog } from './delivery/delivered.ts';
import { DeliveryStatus } from './delivery/delivery-status.ts';
import { createDiskPipeline } from './delivery/disk-pipeline.ts';
import { duplicateCheck } from './delivery/duplicates.ts';
import { deliveryMetrics, suppressionReport } from './delivery/metrics.ts';
import type { Pipeline, PipelineParts } from './delivery/pipeline.ts';
import { createReporter } from './delivery/reporter.ts';
import { defaultMinAttempts, type RetryPolicy } from './delivery/retry-policy.ts';
import { labelReader } from './event/labels.ts';
import type { MatchContext } from './event/match.ts';
import type { Informers } from './informers.ts';
import { busMemory } from './memory/bus-memory.ts';
import { diskMemory } from './memory/disk-memory.ts';
import type { AlertMemory } from './memory/memory.ts';
import { type Alerting, type AlertingOptions, createAlerting } from './noise/alerting.ts';
import type { IdentityOf } from './provider/identity.ts';
import type { SecretReader } from './provider/secrets.ts';

export const controllerName = 'notification-controller';

/** What the parts of the service are made of. */
export interface App extends ServiceDoors {
  config: Config;
  informers: Informers;
  readSecret: SecretReader;
  identityOf: IdentityOf;
  /** To the metadata servers of clouds. */
  local: Dispatcher;
}

/** How events travel, and what of that others need. */
export interface Delivering {
  pipeline: Pipeline;
  /** Takes this controller's own events. */
  sink: EventSink;
  isDuplicate: (event: FluxEvent) => Promise<boolean>;
  alertEvents: EventRecorder;
  deliveryStatus: DeliveryStatus;
  delivered: DeliveredLog;
  memory: AlertMemory;
}

/** Makes the way of events from their acceptance to their delivery. */
export function createDelivering(app: App): Delivering {
  const { config, logger, client, metrics, informers, bus } = app;
  const counters = deliveryMetrics(metrics.registry);
  const alertEvents = createEventRecorder({ client, controllerName, logger });
  const alertOf = (key: string) => informers.alerts.get(key);
  const providerOf = (key: string) => informers.providers.get(key);
  const objects = { client, alertOf, providerOf };
  const deliveryStatus = new DeliveryStatus({ ...objects, controllerName, logger });
  const delivered = bus
    ? busDeliveredLog(bus, config['rate-limit-interval'])
    : memoryDeliveredLog(config['rate-limit-interval']);
  const onSuppressed = suppressionReport({ counters, status: deliveryStatus, logger });
  const memory = bus ? busMemory(bus) : diskMemory(join(config['outbox-path'], 'alerting'));
  const alerting = alertingOf(app, { alertOf, providerOf, delivered, memory, onSuppressed });
  const retry = retryPolicyOf(config);
  const parts: PipelineParts = {
    alerting,
    attempt: createAttempt({
      alertOf,
      providerOf,
      readSecret: app.readSecret,
      identityOf: app.identityOf,
      delivered,
      incidents: alerting.incidents,
      guard: networkGuardOf(config),
      retry,
    }),
    retry,
    reporter: createReporter({
      alertOf,
      providerTypeOf: (key) => providerOf(key)?.spec.type ?? 'unknown',
      events: alertEvents,
      metrics: counters,
      status: deliveryStatus,
      logger,
    }),
  };
  const isDuplicate = duplicateCheck({
    ...alerting,
    delivered,
    canTell: () => bus?.status().ready ?? true,
  });
  const shared = { isDuplicate, alertEvents, deliveryStatus, delivered, memory };
  return { ...createPipeline(app, parts), ...shared };
}

function alertingOf(
  app: App,
  o: Pick<AlertingOptions, 'alertOf' | 'providerOf' | 'delivered' | 'memory' | 'onSuppressed'>,
): Alerting {
  return createAlerting({ ...o, ...matchingOf(app), alerts: () => app.informers.alerts.list() });
}

/** By what alerts are matched. */
function matchingOf({ config, logger, client }: App): Omit<MatchContext, 'alerts'> {
  return {
    labelsOf: labelReader(client, logger),
    noCrossNamespaceRefs: config['no-cross-namespace-refs'],
    wildcardNamespaces: config['allow-wildcard-namespaces'],
    logger,
  };
}

function retryPolicyOf(config: Config): RetryPolicy {
  return {
    minDelayMs: config['delivery-min-retry-delay'],
    maxDelayMs: config['delivery-max-retry-delay'],
    giveUpAfterMs: config['delivery-give-up-after'],
    minAttempts: defaultMinAttempts,
  };
}

function createPipeline(app: App, parts: PipelineParts): { pipeline: Pipeline; sink: EventSink } {
  const {
    config,
    logger,
    bus,
    metrics: { registry },
  } = app;
  const metrics = createOutboxMetrics(registry);
  const dir = config['outbox-path'];
  const maxBytes = config['outbox-max-bytes'];
  if (bus === undefined) {
    const pipeline = createDiskPipeline({ ...parts, dir, maxBytes, logger, metrics });
    const publish = (event: FluxEvent) => pipeline.accept(event, crypto.randomUUID());
    return { pipeline, sink: { publish } };
  }
  const outbox: OutboxSink = createBusEventSink(bus, {
    dir: join(dir, 'events'),
    maxBytes,
    logger,
    metrics,
  });
  const pipeline = createBusPipeline({ ...parts, bus, outbox, spreadRecord: recordSpreadOf(app) });
  return { pipeline, sink: outbox };
}

function recordSpreadOf(app: App): BusPipelineOptions['spreadRecord'] {
  const { alerts, providers } = app.informers;
  const context = { ...matchingOf(app), providerOf: (key: string) => providers.get(key) };
  return (record, o) => spreadRecord(record, o, { ...context, alerts: alerts.list() });
}
