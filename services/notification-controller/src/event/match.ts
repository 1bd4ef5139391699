import type { Alert, FluxEvent } from '@sluice/shared/api';
import { BudgetError, errorMessage, type Logger, TimeSlice, WorkBudget } from '@sluice/shared/base';
import { messageFilter } from './message-filter.ts';

/** Steps that the lists of all Alerts of a namespace may take for one event: characters times instructions. */
const maxSteps = 2_000_000;

/** What matching one event has taken, by the namespace of the Alerts. */
type Budgets = Map<string, WorkBudget>;

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
  const budgets: Budgets = new Map();
  const slice = new TimeSlice();
  for (const alert of context.alerts) {
    if (slice.isOver) await slice.next();
    if (await wants(alert, event, { ...context, budgets })) matching.push(alert);
  }
  return matching;
}

interface Matching extends MatchContext {
  budgets: Budgets;
}

async function wants(alert: Alert, event: FluxEvent, context: Matching): Promise<boolean> {
  const sources = sourcesFor(alert, event, context);
  if (sources.length === 0) return false;
  if (sources.some((source) => source.matchLabels === undefined)) return true;
  const labels = await context.labelsOf(event);
  return labels !== undefined && sources.some((source) => hasLabels(source, labels));
}

/** The sources of an alert that want the event, were it not for labels; none when the alert cannot be worked with. */
function sourcesFor(alert: Alert, event: FluxEvent, context: Matching): Source[] {
  const { spec, metadata } = alert;
  try {
    if (spec.suspend || !severityFits(alert, event)) return [];
    if (context.noCrossNamespaceRefs && event.involvedObject.namespace !== metadata.namespace)
      return [];
    const sources = spec.eventSources.filter((source) => names(source, alert, event));
    return sources.length > 0 && accepts(alert, event, context) ? sources : [];
  } catch (error) {
    const { namespace, name } = metadata;
    context.logger.error(
      { error: errorMessage(error), alert: `${namespace}/${name}` },
      'An alert cannot be matched and gets no events',
    );
    return [];
  }
}

/** An alert whose lists would take too long for a message gets it: better one too many than one too few. */
function accepts({ spec, metadata }: Alert, event: FluxEvent, context: Matching): boolean {
  const { namespace = '', name } = metadata;
  const budget =
    context.budgets.get(namespace) ??
    new WorkBudget(`matching the Alerts of namespace ${namespace}`, maxSteps);
  context.budgets.set(namespace, budget);
  try {
    return messageFilter(spec).accepts(event.message, (steps) => budget.take(steps));
  } catch (error) {
    if (!(error instanceof BudgetError)) throw error;
    context.logger.warn(
      { error: error.message, alert: `${namespace}/${name}` },
      'The lists of an alert are too costly for an event, which it gets without them',
    );
    return true;
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
