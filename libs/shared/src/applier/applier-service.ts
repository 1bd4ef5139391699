import type { Clock } from '@sluice/shared/base';
import type { KubeClient } from '@sluice/shared/kube';
import { createEventRecorder, type EventRecorder } from '@sluice/shared/runtime';
import type { ServiceDoors, ServiceParts } from '@sluice/shared/service';
import { createAuditOutbox, createEventSink } from '@sluice/shared/service';
import type { Audit } from './audit/audit.ts';
import { createAudit } from './audit/create-audit.ts';

/** What a service that applies objects is started with. */
export interface ApplierDoors extends Pick<ServiceDoors, 'logger' | 'metrics' | 'bus'> {
  client: KubeClient;
  events: EventRecorder;
  /** Records nothing unless given. */
  audit?: Audit;
  /** By which reconciles are spaced and waited for; the machine's unless told. */
  clock?: Clock;
}

/** Milliseconds that Kubernetes Events get to be sent at the end. */
const flushMs = 2_000;

/**
 * Makes the parts of a service that applies objects: it is ready once its watches are complete, or at once when it may
 * have to wait for the leadership, and its events are sent before it ends.
 *
 * @param start resolves once the watches are complete; `ended` when everything has stopped
 */
export function applierService(
  doors: ServiceDoors,
  start: (doors: ApplierDoors, signal: AbortSignal) => Promise<{ ended: Promise<void> }>,
): ServiceParts {
  const { name: controllerName, logger, metrics, bus, flags } = doors;
  const sink = createEventSink(doors);
  const auditSink = createAuditOutbox(doors);
  const audit = createAudit({ sink: auditSink, controllerName, logger });
  let isStarted = false;
  return {
    readyChecks: {
      watches: () => {
        if (!isStarted && !flags['enable-leader-election'])
          throw new Error('the watches are not complete yet');
      },
    },
    async start({ client, signal }) {
      const events = createEventRecorder({ client, controllerName, sink, logger });
      const { ended } = await start({ client, logger, metrics, events, audit, bus }, signal);
      isStarted = true;
      await ended;
      await events.flush(flushMs);
    },
    async close() {
      await Promise.all([sink?.close(), auditSink?.close()]);
    },
  };
}
