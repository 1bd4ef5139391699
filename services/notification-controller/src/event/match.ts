import type { Alert, FluxEvent } from '@sluice/shared/api';
import { BudgetError, errorMessage, type Logger, TimeSlice, WorkBudget } from '@sluice/shared/base';
import { messageFilter } from './message-filter.ts';

/** Steps that the lists of all Alerts of a namespace may take for one event: characters times instructions. */
const maxSteps = 2_000_000;

/** What matching one event has taken, by the namespace of the Alerts. */
type Budgets = Map<string, WorkBudget>;

/** Stands for every namespace, where the administrator allows that. */
export const anyNamespace = '*';

type Source = Alert['spec']['eventSources'][number];

export interface MatchContext {
  alerts: Iterable<Alert>;
  /** With this, an alert sees events of its own namespace only. */
  noCrossNamespaceRefs: boolean;
  /** With this, `*` as the namespace of a source is every namespace; else it is none. */
  wildcardNamespaces?: boolean;
  /** Labels of the object an event is about; undefined when it is gone. Asked only when an alert selects by labels. */
  labelsOf: (event: FluxEvent) => Promise<Record<string, string> | undefined>;
  logger: Logger;
}

/**
 * Finds the alerts that want an event.
 *
 * @throws what `labelsOf` throws
 */
export function matchAlerts(event: FluxEvent, context: MatchContext): Promise<Alert[]> {
  const matching = { ...context, budgets: new Map() };
  return choose(event, context, (alert) => sourcesFor(alert, event, matching));
}

/**
 * Finds the alerts that want an audit record about an event's object.
 *
 * @param isWanted says whether an alert that asks for records wants this one, were it about one of its sources
 * @throws what `labelsOf` throws
 */
export function alertsForRecords(
  event: FluxEvent,
  context: MatchContext,
  isWanted: (alert: Alert) => boolean,
): Promise<Alert[]> {
  return choose(event, context, (alert) =>
    readable(alert, context, () => {
      const { audit, suspend } = alert.spec;
      if (audit === undefined || suspend || !isWanted(alert)) return [];
      return namedSources(alert, event, context);
    }),
  );
}

/** Finds the alerts that an event's object is a source of, whatever they want to know of it. */
export async function alertsAbout(event: FluxEvent, context: MatchContext): Promise<Alert[]> {
  const found: Alert[] = [];
  const slice = new TimeSlice();
  for (const alert of context.alerts) {
    if (slice.isOver) await slice.next();
    const sources = readable(alert, context, () => namedSources(alert, event, context));
    if (sources.length > 0 && wantsEvents(alert)) found.push(alert);
  }
  return found;
}

interface Matching extends MatchContext {
  budgets: Budgets;
}

/** Goes through the alerts; labels are asked for only when nothing else says that an alert wants the event. */
async function choose(
  event: FluxEvent,
  context: MatchContext,
  sourcesOf: (alert: Alert) => Source[],
): Promise<Alert[]> {
  const chosen: Alert[] = [];
  const slice = new TimeSlice();
  for (const alert of context.alerts) {
    if (slice.isOver) await slice.next();
    if (await isChosen(sourcesOf(alert), event, context)) chosen.push(alert);
  }
  return chosen;
}

async function isChosen(
  sources: Source[],
  event: FluxEvent,
  context: MatchContext,
): Promise<boolean> {
  if (sources.length === 0) return false;
  if (sources.some((source) => source.matchLabels === undefined)) return true;
  const labels = await context.labelsOf(event);
  return labels !== undefined && sources.some((source) => hasLabels(source, labels));
}

/** One that asks for audit records gets no events. */
function wantsEvents({ spec }: Alert): boolean {
  return !spec.suspend && spec.audit === undefined;
}

/** The sources of an alert that want the event, were it not for labels; none when the alert cannot be worked with. */
function sourcesFor(alert: Alert, event: FluxEvent, context: Matching): Source[] {
  return readable(alert, context, () => {
    if (!wantsEvents(alert) || !severityFits(alert, event)) return [];
    const sources = namedSources(alert, event, context);
    return sources.length > 0 && accepts(alert, event, context) ? sources : [];
  });
}

/** What is read of an alert; nothing, and a line in the log, of one that cannot be worked with. */
function readable(
  { metadata: { namespace, name } }: Alert,
  { logger }: MatchContext,
  read: () => Source[],
): Source[] {
  try {
    return read();
  } catch (error) {
    logger.error(
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

function namedSources(alert: Alert, event: FluxEvent, context: MatchContext): Source[] {
  const { kind, name, namespace } = event.involvedObject;
  if (context.noCrossNamespaceRefs && namespace !== alert.metadata.namespace) return [];
  const isNamespace = (wanted: string) =>
    wanted === namespace || (wanted === anyNamespace && context.wildcardNamespaces === true);
  return alert.spec.eventSources.filter(
    (source) =>
      source.kind === kind &&
      (source.name === '*' || source.name === name) &&
      isNamespace(source.namespace || (alert.metadata.namespace ?? '')),
  );
}

function hasLabels(source: Source, labels: Record<string, string>): boolean {
  return Object.entries(source.matchLabels ?? {}).every(([key, value]) => labels[key] === value);
}
