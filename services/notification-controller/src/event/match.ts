import type { Alert, FluxEvent } from '@sluice/shared/api';
import { errorMessage, type Logger } from '@sluice/shared/base';
import { messageFilter } from './message-filter.ts';

type Source = Alert['spec']['eventSources'][number];

export interface MatchContext {
  alerts: Iterable<Alert>;
  /** With this, an alert sees events of its own namespace only. */
  noCrossNamespaceRefs: boolean;
  /** Labels of the object an event is about; undefined when it is gone. Asked only when an alert selects by labels. */
  labelsOf: (event: FluxEvent) => Promise<Record<string, string> | undefined>;
  logger: Logger;
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
  const sources = sourcesFor(alert, event, context);
  if (sources.length === 0) return false;
  if (sources.some((source) => source.matchLabels === undefined)) return true;
  const labels = await context.labelsOf(event);
  return labels !== undefined && sources.some((source) => hasLabels(source, labels));
}

/** The sources of an alert that want the event, were it not for labels; none when the alert cannot be worked with. */
function sourcesFor(alert: Alert, event: FluxEvent, context: MatchContext): Source[] {
  const { spec, metadata } = alert;
  try {
    if (spec.suspend || !severityFits(alert, event)) return [];
    if (context.noCrossNamespaceRefs && event.involvedObject.namespace !== metadata.namespace)
      return [];
    const sources = spec.eventSources.filter((source) => names(source, alert, event));
    return sources.length > 0 && messageFilter(spec).accepts(event.message) ? sources : [];
  } catch (error) {
    const { namespace, name } = metadata;
    context.logger.error(
      { error: errorMessage(error), alert: `${namespace}/${name}` },
      'An alert cannot be matched and gets no events',
    );
    return [];
  }
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
