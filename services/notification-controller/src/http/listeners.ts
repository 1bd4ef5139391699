import type { RequestListener } from 'node:http';
import type { FluxEvent } from '@sluice/shared/api';
import type { Logger } from '@sluice/shared/base';
import type { Bus } from '@sluice/shared/bus';
import type { KubeClient } from '@sluice/shared/kube';
import { networkGuardOf } from '@sluice/shared/net';
import type { Metrics } from '@sluice/shared/runtime';
import type { Config } from '../config.ts';
import type { Pipeline } from '../delivery/pipeline.ts';
import { eventHandler } from '../event/event-server.ts';
import { byWebhookPath, type Informers } from '../informers.ts';
import type { SecretReader } from '../provider/secrets.ts';
import { busDoneWebhooks } from '../receiver/done-webhooks.ts';
import { googleTokenVerifier } from '../receiver/google-token.ts';
import type { CallLog } from '../receiver/last-call.ts';
import { oidcTokenVerifier } from '../receiver/oidc-token.ts';
import { webhookHandler } from '../receiver/webhook-handler.ts';
import { webhookPrefix } from '../receiver/webhook-path.ts';
import { httpMetrics } from './metrics.ts';
import { type Gate, respondWith } from './respond.ts';

interface Common {
  config: Config;
  logger: Logger;
  metrics: Metrics;
}

/** The listener of Flux's HTTP event path, with its metrics. A gate decides who may send. */
export function eventListener(
  o: Common & {
    pipeline: Pipeline;
    isDuplicate: (event: FluxEvent) => Promise<boolean>;
    gate?: Gate;
  },
): RequestListener {
  const { config, logger, metrics, pipeline, isDuplicate, gate } = o;
  const exportPaths = config['export-http-path-metrics'];
  const accept = (event: FluxEvent, id: string) => pipeline.accept(event, id);
  return respondWith(eventHandler({ accept, isDuplicate, logger }), {
    metrics: httpMetrics(metrics.registry, 'gotk_event', { handler: '/', exportPaths }),
    logger,
    gate,
  });
}

/** The listener of webhooks, with its metrics. */
export function webhookListener(
  o: Common & {
    controllerName: string;
    informers: Informers;
    client: KubeClient;
    readSecret: SecretReader;
    calls: CallLog;
    bus?: Bus;
  },
): RequestListener {
  const { config, logger, metrics, informers, calls, bus } = o;
  const exportPaths = config['export-http-path-metrics'];
  const handle = webhookHandler({
    ...o,
    noCrossNamespaceRefs: config['no-cross-namespace-refs'],
    verifyGoogleToken: googleTokenVerifier(config['gcr-keys-url']),
    verifyOidcToken: oidcTokenVerifier(networkGuardOf(config)),
    noteCall: calls.note,
    ...(bus && { done: busDoneWebhooks(bus) }),
    receiverAt: (path) => informers.receivers.byIndex(byWebhookPath, path)[0],
  });
  const labels = { handler: webhookPrefix, exportPaths };
  return respondWith(handle, {
    metrics: httpMetrics(metrics.registry, 'gotk_receiver', labels),
    logger,
  });
}
