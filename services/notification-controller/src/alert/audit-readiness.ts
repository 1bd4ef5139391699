import { type Alert, alertKind, type Provider } from '@sluice/shared/api';
import { type Clock, errorMessage, type Logger, systemClock } from '@sluice/shared/base';
import { type Informer, type KubeClient, keyOf } from '@sluice/shared/kube';
import {
  conditionsOf,
  createStatusDraft,
  createWorkQueue,
  type EventRecorder,
  ObjectGoneError,
  readyCondition,
  type StatusDraft,
  stalledCondition,
  WrittenObjects,
} from '@sluice/shared/runtime';
import { type AuditContext, type AuditProblem, auditProblem } from './audit-problem.ts';

export interface AuditReadinessOptions extends AuditContext {
  alerts: Informer<Alert>;
  providers: Informer<Provider>;
  client: KubeClient;
  /** Records Kubernetes Events only. */
  events: EventRecorder;
  controllerName: string;
  logger: Logger;
  clock?: Clock;
  /** Bounds of the delay after a write that failed, in milliseconds. */
  minRetryDelayMs: number;
  maxRetryDelayMs: number;
}

/**
 * Says in the condition Ready of each Alert with spec.audit whether its records can be sent, and in an Event when they
 * cannot. Other Alerts have no conditions. One replica does, until the signal aborts; the Alerts have to be known.
 */
export async function sayAuditReadiness(
  o: AuditReadinessOptions,
  signal: AbortSignal,
): Promise<void> {
  const { alerts, providers, clock = systemClock } = o;
  const queue = createWorkQueue({ ...o, clock });
  const written = new WrittenObjects<Alert>();
  const see = (alert: Alert) => {
    if (alert.spec.audit !== undefined || isSaid(alert)) queue.add(keyOf(alert));
  };
  const stops = [
    alerts.onEvent(({ type, object }) => {
      if (type === 'deleted') written.forget(keyOf(object));
      else see(object);
    }),
    providers.onEvent(({ type, object, previous }) => {
      const isNew = previous?.metadata.generation !== object.metadata.generation;
      if (type !== 'deleted' && !isNew) return;
      for (const alert of alerts.list()) if (refersTo(alert, object)) see(alert);
    }),
  ];
  try {
    for (const alert of alerts.list()) see(alert);
    for (let item = await queue.get(signal); item; item = await queue.get(signal)) {
      const { key } = item;
      try {
        const onWritten = (object: Alert) => written.record(key, object);
        await say(written.current(key, alerts.get(key)), { ...o, clock, onWritten });
        queue.forget(key);
      } catch (error) {
        const problem = { error: errorMessage(error), alert: key };
        o.logger.warn(problem, 'The condition of an Alert cannot be written now');
        queue.addRateLimited(key);
      } finally {
        queue.done(key);
      }
    }
  } finally {
    for (const stop of stops) stop();
    queue.close();
  }
}

function isSaid(alert: Alert): boolean {
  return conditionsOf(alert).length > 0;
}

function refersTo({ metadata, spec }: Alert, provider: Provider): boolean {
  const { namespace, name } = provider.metadata;
  return metadata.namespace === namespace && spec.providerRef.name === name;
}

/** Nothing is written when the status says so already. */
async function say(
  alert: Alert | undefined,
  o: AuditReadinessOptions & { clock: Clock; onWritten: (alert: Alert) => void },
): Promise<void> {
  if (alert === undefined) return;
  const draft = createStatusDraft<Alert>({ ...o, object: alert, kind: alertKind });
  const before = draft.getCondition(readyCondition);
  const problem = alert.spec.audit && auditProblem(alert, o);
  if (alert.spec.audit === undefined) forget(draft);
  else note(draft, problem, alert.spec.providerRef.name);
  try {
    await draft.patch();
  } catch (error) {
    // A deleted one needs no condition.
    if (!(error instanceof ObjectGoneError)) throw error;
    return;
  }
  const isNews = before?.reason !== problem?.reason || before?.message !== problem?.message;
  if (problem && isNews) await o.events.record(alert, { severity: 'error', ...problem });
}

function note(draft: StatusDraft<Alert>, problem: AuditProblem | undefined, provider: string) {
  if (problem !== undefined) draft.failed(problem.reason, problem.message, { stalled: true });
  else draft.ready('Succeeded', `Audit records are sent through the Provider '${provider}'`);
}

function forget(draft: StatusDraft<Alert>): void {
  for (const type of [readyCondition, stalledCondition]) draft.removeCondition(type);
  if (draft.status.conditions?.length === 0) delete draft.status.conditions;
  delete draft.status.observedGeneration;
}
