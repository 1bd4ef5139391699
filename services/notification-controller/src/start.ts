import type { RequestListener } from 'node:http';
import { join } from 'node:path';
import type { EventSink, FluxEvent, Receiver } from '@sluice/shared/api';
import { systemClock } from '@sluice/shared/base';
import { createBusEventSink, type OutboxSink } from '@sluice/shared/bus';
import { keyOf } from '@sluice/shared/kube';
import { networkGuardOf } from '@sluice/shared/net';
import {
  type Controller,
  createController,
  createEventRecorder,
  type EventRecorder,
  type RunningServer,
  shardSelector,
  startHttpServer,
} from '@sluice/shared/runtime';
import { createOutboxMetrics, type ServiceDoors, type ServiceParts } from '@sluice/shared/service';
import { reportRefused } from './alert/report-refused.ts';
import { watchAlerts } from './alert/watch-alerts.ts';
import type { Config } from './config.ts';
import { createAttempt } from './delivery/attempt.ts';
import { createBusPipeline } from './delivery/bus-pipeline.ts';
import { busDeliveredLog, memoryDeliveredLog } from './delivery/delivered.ts';
import { DeliveryStatus } from './delivery/delivery-status.ts';
import { createDiskPipeline } from './delivery/disk-pipeline.ts';
import { duplicateCheck } from './delivery/duplicates.ts';
import { deliveryMetrics, suppressionReport } from './delivery/metrics.ts';
import type { Pipeline, PipelineParts } from './delivery/pipeline.ts';
import { Replays } from './delivery/replays.ts';
import { createReporter } from './delivery/reporter.ts';
import { defaultMinAttempts, type RetryPolicy } from './delivery/retry-policy.ts';
import { labelReader } from './event/labels.ts';
import { eventListener, webhookListener } from './http/listeners.ts';
import { bySecret, createInformers, type Informers } from './informers.ts';
import { busMemory } from './memory/bus-memory.ts';
import { diskMemory } from './memory/disk-memory.ts';
import { type Alerting, type AlertingOptions, createAlerting } from './noise/alerting.ts';
import { createSecretReader, type SecretReader } from './provider/secrets.ts';
import { CallLog } from './receiver/last-call.ts';
import { receiverReconciler } from './receiver/reconcile.ts';
import { senderGate } from './sender/authenticate.ts';
import { createJudge } from './sender/judge-token.ts';
import { createTokenReviewer } from './sender/review-token.ts';

const controllerName = 'notification-controller';
const flushMs = 2_000;

interface App extends ServiceDoors {
  config: Config;
  informers: Informers;
  readSecret: SecretReader;
}

/** How events travel, and what of that others need. */
interface Delivering {
  pipeline: Pipeline;
  /** Takes this controller's own events. */
  sink: EventSink;
  isDuplicate: (event: FluxEvent) => Promise<boolean>;
  alertEvents: EventRecorder;
  deliveryStatus: DeliveryStatus;
}

/** Makes the parts of the service: every replica delivers and listens, the leader reconciles Receivers. */
export function createNotificationController(config: Config, doors: ServiceDoors): ServiceParts {
  const app = createApp(config, doors);
  const delivering = createDelivering(app);
  const receiverEvents = createEventRecorder({ ...doors, controllerName, sink: delivering.sink });
  let isServing = false;
  return {
    readyChecks: {
      servers: () => {
        if (!isServing) throw new Error('not listening yet');
      },
    },
    start: async ({ signal, client }) => {
      const parts = { ...app, client };
      await Promise.all([
        createReceiverController(parts, receiverEvents).run(signal),
        replayDeadLetters(parts, delivering, signal),
      ]);
    },
    always: ({ signal }) =>
      serve(app, delivering, signal, () => {
        isServing = true;
      }),
    flush: async () => {
      await Promise.all([receiverEvents.flush(flushMs), delivering.alertEvents.flush(flushMs)]);
    },
  };
}

function createApp(config: Config, doors: ServiceDoors): App {
  const { client, logger, metrics } = doors;
  const { namespace } = shardSelector({
    watchLabelSelector: '',
    watchAllNamespaces: config['watch-all-namespaces'],
    namespace: config.runtimeNamespace,
  });
  const secretSelector = config['watch-configs-label-selector'];
  const informers = createInformers({
    client,
    namespace,
    secretSelector,
    controllerName,
    logger,
    monitor: metrics.watches,
  });
  return { ...doors, config, informers, readSecret: createSecretReader(client) };
}

function createDelivering(app: App): Delivering {
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
  const alerting = alertingOf(app, { alertOf, providerOf, delivered, onSuppressed });
  const retry = retryPolicyOf(config);
  const parts: PipelineParts = {
    alerting,
    attempt: createAttempt({
      alertOf,
      providerOf,
      readSecret: app.readSecret,
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
  return { ...createPipeline(app, parts), isDuplicate, alertEvents, deliveryStatus };
}

function alertingOf(
  { config, logger, client, informers, bus }: App,
  o: Pick<AlertingOptions, 'alertOf' | 'providerOf' | 'delivered' | 'onSuppressed'>,
): Alerting {
  return createAlerting({
    ...o,
    alerts: () => informers.alerts.list(),
    labelsOf: labelReader(client, logger),
    memory: bus ? busMemory(bus) : diskMemory(join(config['outbox-path'], 'alerting')),
    noCrossNamespaceRefs: config['no-cross-namespace-refs'],
    wildcardNamespaces: config['allow-wildcard-namespaces'],
    logger,
  });
}

function retryPolicyOf(config: Config): RetryPolicy {
  return {
    minDelayMs: config['delivery-min-retry-delay'],
    maxDelayMs: config['delivery-max-retry-delay'],
    giveUpAfterMs: config['delivery-give-up-after'],
    minAttempts: defaultMinAttempts,
  };
}

function createPipeline(
  { config, logger, bus, metrics: { registry } }: App,
  parts: PipelineParts,
): { pipeline: Pipeline; sink: EventSink } {
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
  return { pipeline: createBusPipeline({ ...parts, bus, outbox }), sink: outbox };
}

function createReceiverController(app: App, events: EventRecorder): Controller<Receiver> {
  const { config, informers } = app;
  const controller = createController<Receiver>({
    ...app,
    reconciler: receiverReconciler({ controllerName, readSecret: app.readSecret }),
    informer: informers.receivers,
    concurrency: config.concurrent,
    events,
    minRetryDelayMs: config['min-retry-delay'],
    maxRetryDelayMs: config['max-retry-delay'],
    intervalJitterPercentage: 0,
    leastIntervalMs: config['least-interval'],
  });
  informers.secrets.onEvent(({ object }) => {
    for (const receiver of informers.receivers.byIndex(bySecret, keyOf(object))) {
      controller.enqueue(keyOf(receiver), { priority: 'change' });
    }
  });
  return controller;
}

/** Before the Providers are known, there is nothing to act on. */
async function replayDeadLetters(app: App, delivering: Delivering, signal: AbortSignal) {
  const { providers } = app.informers;
  await providers.synced(signal).catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
  const { pipeline, alertEvents: events } = delivering;
  const replay = pipeline.replay.bind(pipeline);
  await new Replays({ ...app, providers, events, replay, controllerName }).run(signal);
}

function createEventListener(app: App, delivering: Delivering): RequestListener {
  const { config, client, logger } = app;
  const senders = config.eventSenders;
  const review = createTokenReviewer(client, config['event-audience']);
  const gate = senders && senderGate({ judge: createJudge({ review, senders }), logger });
  return eventListener({ ...app, ...delivering, gate });
}

/** Delivers and listens until the signal aborts; every replica does. */
async function serve(
  app: App,
  delivering: Delivering,
  signal: AbortSignal,
  onListening: () => void,
): Promise<void> {
  const { informers, config, logger } = app;
  const events = delivering.alertEvents;
  watchAlerts(informers.alerts, {
    noCrossNamespaceRefs: config['no-cross-namespace-refs'],
    wildcardNamespaces: config['allow-wildcard-namespaces'],
    events,
    logger,
  });
  reportRefused(informers.alerts, { events, logger });
  reportRefused(informers.providers, { events, logger });
  for (const informer of informers.all) informer.start();
  try {
    await Promise.all(informers.all.map((informer) => informer.synced(signal)));
  } catch (error) {
    if (!signal.aborted) throw error;
    return;
  }
  delivering.pipeline.start();
  const calls = new CallLog({ ...app, controllerName, clock: systemClock });
  const servers = await Promise.all([
    listen(app, 'events', config['events-addr'], createEventListener(app, delivering)),
    listen(
      app,
      'webhooks',
      config.receiverAddr,
      webhookListener({ ...app, controllerName, calls }),
    ),
  ]);
  onListening();
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
  await Promise.all(servers.map((server) => server?.close()));
  await Promise.all([delivering.pipeline.close(), calls.close()]);
  await delivering.deliveryStatus.close();
  await Promise.all(informers.all.map((informer) => informer.stop()));
}

async function listen(
  { logger }: App,
  what: string,
  address: string,
  listener: Parameters<typeof startHttpServer>[1],
): Promise<RunningServer | undefined> {
  const server = await startHttpServer(address, listener);
  if (server) logger.info({ addr: server.address, server: what }, 'Listening');
  return server;
}
