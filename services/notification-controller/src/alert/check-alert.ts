import type { Alert } from '@sluice/shared/api';
import type { EventRecorder } from '@sluice/shared/runtime';
import { templateProblems } from '../content/check-templates.ts';
import { anyNamespace } from '../event/match.ts';
import { type FilterProblem, messageFilter } from '../event/message-filter.ts';
import { noiseProblems } from '../noise/rules.ts';

/** What the administrator lets Alerts do. */
export interface AlertRules {
  noCrossNamespaceRefs: boolean;
  wildcardNamespaces: boolean;
}

/** Finds what is wrong with an Alert. */
export function checkAlert(alert: Alert, rules: AlertRules): FilterProblem[] {
  return [
    ...messageFilter(alert.spec).problems,
    ...templateProblems(alert),
    ...noiseProblems(alert),
    ...namespaceProblems(alert, rules),
  ];
}

/** Finds the namespaces of sources that are forbidden. */
export function namespaceProblems(alert: Alert, rules: AlertRules): FilterProblem[] {
  return alert.spec.eventSources.flatMap(({ namespace }, index) => {
    const problem = namespaceProblem(namespace, alert, rules);
    return problem ? [{ field: `spec.eventSources[${index}].namespace`, problem }] : [];
  });
}

function namespaceProblem(
  namespace: string | undefined,
  alert: Alert,
  rules: AlertRules,
): string | undefined {
  if (!namespace || namespace === alert.metadata.namespace) return undefined;
  if (rules.noCrossNamespaceRefs) {
    return `'${namespace}' is another namespace, and --no-cross-namespace-refs forbids those: move the Alert there`;
  }
  if (namespace === anyNamespace && !rules.wildcardNamespaces) {
    return `'*' stands for every namespace only with --allow-wildcard-namespaces of notification-controller: name a namespace, or have the administrator set it`;
  }
  return undefined;
}

/** Most problems of an Alert that are told, and characters of each. */
const maxTold = 10;
const maxProblemLength = 500;

/** Tells the author of an Alert, in a Kubernetes Event, what is wrong with it. */
export async function reportProblems(
  alert: Alert,
  problems: FilterProblem[],
  events: EventRecorder,
): Promise<void> {
  for (const { field, problem } of problems.slice(0, maxTold)) {
    await events.record(alert, {
      severity: 'error',
      reason: 'InvalidConfig',
      message: `${field}: ${problem.slice(0, maxProblemLength)}`,
    });
  }
}
