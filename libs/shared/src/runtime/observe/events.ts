import { hostname } from 'node:os';
import {
  type EventSink,
  eventAnnotationPrefix,
  type FluxEvent,
  type KubeObject,
} from '@sluice/shared/api';
import { type Clock, errorMessage, type Logger, systemClock } from '@sluice/shared/base';
import { gvkOf, type KubeClient } from '@sluice/shared/kube';
import type { EventInput, EventRecorder } from '../reconciler.ts';
import { messageText } from '../status/conditions.ts';
import { createKubeEvents } from './kube-events.ts';

/** The longest message that notification-controller accepts. */
const maxMessageLength = 39_000;

/**
 * Makes the recorder of a service's events.
 *
 * 1. `info` and `error` events are in the sink when `record` resolves; a sink that fails is logged and does
 *    not fail the reconcile.
 * 2. Every event that is not for alerts only becomes a Kubernetes Event, `error` as Warning, sent in the background (see
 *    kube-events.ts).
 * 3. Metadata keys without a slash are prefixed with the object's API group; annotations of the object that
 *    start with `event.toolkit.fluxcd.io/` are copied, and win.
 */
export function createEventRecorder(options: {
  client: KubeClient;
  controllerName: string;
  sink?: EventSink;
  logger: Logger;
  clock?: Clock;
}): EventRecorder {
  const { sink, logger, controllerName } = options;
  const clock = options.clock ?? systemClock;
  const kubeEvents = createKubeEvents({ ...options, clock });
  return {
    async record(object, input) {
      const event = fluxEvent(object, input, { controllerName, nowMs: clock.now() });
      if (!input.alertsOnly) kubeEvents.enqueue(event);
      if (!sink || event.severity === 'trace') return;
      try {
        await sink.publish(event);
      } catch (error) {
        logger.error(
          { error: errorMessage(error), reason: event.reason, object: event.involvedObject },
          'Event could not be stored and is lost for alerts',
        );
      }
    },
    flush: (timeoutMs) => kubeEvents.flush(timeoutMs),
  };
}

/** Builds an event in Flux's shape. `nowMs` is in milliseconds since the epoch. */
export function fluxEvent(
  object: KubeObject,
  input: EventInput,
  context: { controllerName: string; nowMs: number },
): FluxEvent {
  const { name, namespace, uid, resourceVersion } = object.metadata;
  const metadata = eventMetadata(object, input.metadata);
  return {
    involvedObject: {
      apiVersion: object.apiVersion,
      kind: object.kind,
      namespace,
      name,
      uid,
      resourceVersion,
    },
    severity: input.severity,
    timestamp: new Date(context.nowMs).toISOString(),
    message: messageText(input.message, maxMessageLength),
    reason: input.reason,
    ...(Object.keys(metadata).length > 0 && { metadata }),
    reportingController: context.controllerName,
    reportingInstance: hostname(),
  };
}

function eventMetadata(object: KubeObject, given: Record<string, string> = {}) {
  const { group } = gvkOf(object);
  const metadata: Record<string, string> = {};
  for (const [key, value] of Object.entries(given)) {
    metadata[key.includes('/') ? key : `${group}/${key}`] = value;
  }
  for (const [key, value] of Object.entries(object.metadata.annotations ?? {})) {
    if (key.startsWith(eventAnnotationPrefix)) metadata[key] = value;
  }
  return metadata;
}
