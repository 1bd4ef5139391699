import type { Alert, FluxEvent } from '@sluice/shared/api';
import { messageFilter } from './message-filter.ts';

type Source = Alert['spec']['eventSources'][number];

export interface MatchContext {
  alerts: Iterable<Alert>;
  /** With this, an alert sees events of its own namespace only. */
  noCrossNamespaceRefs: boolean;
  /** Labels of the object an event is about; undefined when it is gone. Asked only when an alert selects by labels. */
  labelsOf: (event: FluxEvent) => Promise<Record<string, string> | undefined>;
}

/**
 * Finds the alerts that want an event.
 *
 * @throws what `labelsOf` throws
 */
export async function matchAlerts(event: FluxEvent, context: MatchContext): Promise<Alert[]> {
  const matching: Alert[] = [];
  for (const alert of context.alerts) {
    if (await wants(alert, event, context)) matching.push(alert);
  }
  return matching;
}

async function wants(alert: Alert, event: FluxEvent, context: MatchContext): Promise<boolean> {
  const { spec, metadata } = alert;
  if (spec.suspend || !severityFits(alert, event)) return false;
  if (context.noCrossNamespaceRefs && event.involvedObject.namespace !== metadata.namespace) {
    return false;
  }
  const sources = spec.eventSources.filter((source) => names(source, alert, event));
  if (sources.length === 0 || !messageFilter(spec).accepts(event.message)) return false;
  if (sources.some((source) => source.matchLabels === undefined)) return true;
  const labels = await context.labelsOf(event);
  return labels !== undefined && sources.some((source) => hasLabels(source, labels));
}

/** `info`, the default, wants everything. */
function severityFits(alert: Alert, event: FluxEvent): boolean {
  const severity = alert.spec.eventSeverity ?? 'info';
  return severity === 'info' || severity === event.severity;
}

function names(source: Source, alert: Alert, event: FluxEvent): boolean {
  const { kind, name, namespace } = event.involvedObject;
  return (
    source.kind === kind &&
    (source.namespace || alert.metadata.namespace) === namespace &&
    (source.name === '*' || source.name === name)
  );
}

function hasLabels(source: Source, labels: Record<string, string>): boolean {
  return Object.entries(source.matchLabels ?? {}).every(([key, value]) => labels[key] === value);
}
