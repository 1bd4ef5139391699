import type { RequestListener } from 'node:http';
import type { Receiver } from '@sluice/shared/api';
import { systemClock, whenAborted } from '@sluice/shared/base';
import { keepBucket } from '@sluice/shared/bus';
import { createIdentities, createLocalDispatcher } from '@sluice/shared/cloud';
import { keyOf } from '@sluice/shared/kube';
import {
  type Controller,
  createController,
  createEventRecorder,
  createJudge,
  createTokenReviewer,
  type EventRecorder,
  type RunningServer,
  shardSelector,
  startHttpServer,
} from '@sluice/shared/runtime';
import type { ServiceDoors, ServiceParts } from '@sluice/shared/service';
import { sayAuditReadiness } from './alert/audit-readiness.ts';
import type { AlertRules } from './alert/check-alert.ts';
import { reportRefused } from './alert/report-refused.ts';
import { watchAlerts } from './alert/watch-alerts.ts';
import type { Config } from './config.ts';
import {
  type App,
  controllerName,
  createDelivering,
  type Delivering,
} from './create-delivering.ts';
import { Replays } from './delivery/replays.ts';
import { eventListener, webhookListener } from './http/listeners.ts';
import { IncidentWatch } from './incident/watch-incidents.ts';
import { bySecret, createInformers } from './informers.ts';
import { createIdentityOf } from './provider/identity.ts';
import { createSecretReader } from './provider/secrets.ts';
import { CallLog } from './receiver/last-call.ts';
import { receiverReconciler } from './receiver/reconcile.ts';
import { senderGate } from './sender-gate.ts';

const flushMs = 2_000;

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
        endIncidents(parts, delivering, signal),
        sayReadiness(parts, delivering, signal),
      ]);
    },
    always: async ({ signal }) => {
      const serving = serve(app, delivering, signal, () => {
        isServing = true;
      });
      await Promise.all([serving, keepArtifacts(app, signal)]);
    },
    flush: async () => {
      await Promise.all([receiverEvents.flush(flushMs), delivering.alertEvents.flush(flushMs)]);
    },
    close: () => app.local.destroy(),
  };
}

/** The bucket in which others keep artifacts. */
async function keepArtifacts({ config, bus }: App, signal: AbortSignal): Promise<void> {
  const maxBytes = config['nats-artifacts-max-size'];
  if (bus === undefined || maxBytes === 0) return;
  await keepBucket(bus, { maxBytes, replicas: config['nats-stream-replicas'] }, signal);
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
  const local = createLocalDispatcher();
  const accountFlag = 'default-service-account';
  const identities = createIdentities({
    flags: config,
    account: { flag: accountFlag, name: config[accountFlag] },
    isObjectLevel: config.gates.ObjectLevelWorkloadIdentity,
    environment: config.cloud,
    monitor: metrics.tokens,
    local,
  });
  const identityOf = createIdentityOf(client, identities);
  return { ...doors, config, informers, readSecret: createSecretReader(client), identityOf, local };
}

function createReceiverController(app: App, events: EventRecorder): Controller<Receiver> {
  const { config, informers } = app;
  const controller = createController<Receiver>({
    ...app,
    reconciler: receiverReconciler({
      controllerName,
      readSecret: app.readSecret,
      noCrossNamespaceRefs: config['no-cross-namespace-refs'],
    }),
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

/** By the leader: without NATS, for the failures that it has told of itself. */
async function endIncidents(app: App, delivering: Delivering, signal: AbortSignal) {
  const { config, informers } = app;
  const intervalMs = config['incident-check-interval'];
  if (intervalMs === 0) return;
  await informers.alerts.synced(signal).catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
  const { memory, pipeline } = delivering;
  const alertOf = (key: string) => informers.alerts.get(key);
  const tell = pipeline.end.bind(pipeline);
  await new IncidentWatch({ ...app, memory, alertOf, tell, intervalMs }).run(signal);
}

async function sayReadiness(app: App, { alertEvents: events }: Delivering, signal: AbortSignal) {
  const { config, informers, bus } = app;
  const known = [informers.alerts.synced(signal), informers.providers.synced(signal)];
  await Promise.all(known).catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
  const options = {
    ...app,
    ...informers,
    events,
    controllerName,
    hasNats: bus !== undefined,
    providerOf: (key: string) => informers.providers.get(key),
    rules: rulesOf(config),
    minRetryDelayMs: config['min-retry-delay'],
    maxRetryDelayMs: config['max-retry-delay'],
  };
  await sayAuditReadiness(options, signal);
}

function rulesOf(config: Config): AlertRules {
  return {
    noCrossNamespaceRefs: config['no-cross-namespace-refs'],
    wildcardNamespaces: config['allow-wildcard-namespaces'],
  };
}

function createEventListener(app: App, delivering: Delivering): RequestListener {
  const { config, client, logger } = app;
  const users = config.eventSenders;
  const review = createTokenReviewer(client, config['event-audience']);
  const gate = users && senderGate({ judge: createJudge({ review, users }), logger });
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
  watchAlerts(informers.alerts, { ...rulesOf(config), events, logger });
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
  await whenAborted(signal);
  await Promise.all(servers.map((server) => server?.close()));
  await Promise.all([delivering.pipeline.close(), calls.close()]);
  await Promise.all([delivering.deliveryStatus.close(), delivering.delivered.close()]);
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
