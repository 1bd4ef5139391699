import type { Alert } from '@sluice/shared/api';
import type { EventRecorder } from '@sluice/shared/runtime';
import { type FilterProblem, messageFilter } from '../event/message-filter.ts';

/** Finds what is wrong with an Alert; its schema has no status to say it in. */
export function checkAlert(alert: Alert, o: { noCrossNamespaceRefs: boolean }): FilterProblem[] {
  const problems = [...messageFilter(alert.spec).problems];
  for (const [index, source] of alert.spec.eventSources.entries()) {
    const { namespace } = source;
    if (o.noCrossNamespaceRefs && namespace && namespace !== alert.metadata.namespace) {
      problems.push({
        field: `spec.eventSources[${index}].namespace`,
        problem: `'${namespace}' is another namespace, and --no-cross-namespace-refs forbids those: move the Alert there`,
      });
    }
  }
  return problems;
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
