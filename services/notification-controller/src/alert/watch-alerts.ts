import type { Alert } from '@sluice/shared/api';
import type { Logger } from '@sluice/shared/base';
import { type Informer, keyOf } from '@sluice/shared/kube';
import type { EventRecorder } from '@sluice/shared/runtime';
import { type AlertRules, checkAlert, reportProblems } from './check-alert.ts';

/** Checks each Alert when it is first seen and when its spec changes, and tells its author what is wrong. */
export function watchAlerts(
  alerts: Informer<Alert>,
  o: AlertRules & { events: EventRecorder; logger: Logger },
): void {
  alerts.onEvent(({ type, object, previous }) => {
    const isNew = previous?.metadata.generation !== object.metadata.generation;
    if (type === 'deleted' || !isNew) return;
    const problems = checkAlert(object, o);
    for (const problem of problems.slice(0, 10)) {
      o.logger.warn({ ...problem, alert: keyOf(object) }, 'An alert is not usable as it is');
    }
    void reportProblems(object, problems, o.events);
  });
}
