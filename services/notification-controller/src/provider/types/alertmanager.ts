import type { FluxEvent } from '@sluice/shared/api';
import type { Adapter } from '../adapter.ts';
import { basicOrBearer } from '../credentials.ts';
import { goJson, goTime, sorted } from '../go-json.ts';

/** Go's zero time, which tells Alertmanager to resolve the alert after its own `resolve_timeout`. */
const unsetTime = '0001-01-01T00:00:00Z';

/**
 * Posts an alert to Prometheus Alertmanager's API v2; the address names the whole path, `…/api/v2/alerts/`. Alerts of
 * failures that the event ends go along with the same labels, by which Alertmanager knows them, and the event's time as
 * their end.
 *
 * @see https://prometheus.io/docs/alerting/latest/alerts_api/
 */
export const alertmanager: Adapter = async (event, endpoint, send, context) => {
  const { resolves = [], members, isRecoveryOnly = false } = context;
  const ended = resolves.map((failure) => ({
    ...alertOf(failure.event),
    status: 'resolved',
    // Not before it began, which clocks that differ may say and Alertmanager refuses.
    endsAt: later(goTime(event.timestamp), goTime(failure.event.timestamp)),
  }));
  const events = members?.map((member) => alertOf(member)) ?? [alertOf(event, context.facts)];
  const alerts = [...(isRecoveryOnly ? [] : events), ...ended];
  await send({ url: endpoint.address, body: goJson(alerts), headers: basicOrBearer(endpoint) });
};

function later(a: string, b: string): string {
  return Date.parse(a) >= Date.parse(b) ? a : b;
}

function alertOf(event: FluxEvent, facts: Record<string, string> = {}) {
  const { summary, ...metadata } = event.metadata ?? {};
  const { kind, name, namespace = '' } = event.involvedObject;
  const labels = {
    ...metadata,
    alertname: `Flux${kind}${titleCase(event.reason)}`,
    severity: event.severity,
    reason: event.reason,
    kind,
    name,
    namespace,
    reportingcontroller: event.reportingController,
  };
  // Labels are what an alert is known by: a fact that changes must not make another one of it.
  const annotations = {
    ...facts,
    message: event.message,
    ...(summary !== undefined && { summary }),
  };
  return {
    status: 'firing',
    labels: sorted(labels),
    annotations: sorted(annotations),
    startsAt: goTime(event.timestamp),
    endsAt: unsetTime,
  };
}

/** The first letter of each word large, all others small, as Flux's alert names have it. */
function titleCase(text: string): string {
  return text.replace(
    /[\p{L}\p{N}_]+(?:[:.'][\p{L}_]+)*/gu,
    (word) => word.charAt(0).toUpperCase() + word.slice(1).toLowerCase(),
  );
}
