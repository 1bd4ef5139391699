import type { KubeObject } from '@sluice/shared/api';
import { fieldAt, fieldsOf, type JsonMap, mapsAt, stringAt } from '../object/object-fields.ts';
import { describeCondition, quoted } from './health-result.ts';

/** Says what keeps a Pod from being ready, in one line; undefined when nothing is to be seen. */
export function problemOfPod(pod: KubeObject): string | undefined {
  const { status = {} } = fieldsOf(pod);
  const containers = ['initContainerStatuses', 'containerStatuses'].flatMap((list) =>
    mapsAt(status, list),
  );
  for (const container of containers) {
    const problem = problemOfContainer(container);
    if (problem !== undefined) return problem;
  }
  const unmet = mapsAt(status, 'conditions').find(
    (condition) => condition['status'] === 'False' && stringAt(condition, ['message']) !== '',
  );
  if (unmet !== undefined) return describeCondition(unmet);
  return fieldAt(status, 'phase') === 'Pending' ? 'its containers have not started' : undefined;
}

function problemOfContainer(container: JsonMap): string | undefined {
  const name = stringAt(container, ['name']);
  const reason = stringAt(container, ['state', 'waiting', 'reason']);
  const last = endOf(fieldAt(container, 'lastState', 'terminated'));
  if (reason !== '' && reason !== 'PodInitializing') {
    const message = quoted(stringAt(container, ['state', 'waiting', 'message']));
    const waits = [reason, message].filter(Boolean).join(': ');
    return `container ${name} waits: ${waits}${last && `; it last ended with ${last}`}`;
  }
  if (container['ready'] === true) return undefined;
  const end = endOf(fieldAt(container, 'state', 'terminated'));
  if (end !== '') return `container ${name} ended with ${end}`;
  return last === '' ? undefined : `container ${name} is not ready; it last ended with ${last}`;
}

/** Describes how a container has ended; the empty string when it has not, or well. */
function endOf(terminated: unknown): string {
  const code = fieldAt(terminated, 'exitCode');
  if (typeof code !== 'number' || code === 0) return '';
  const [reason, at] = ['reason', 'finishedAt'].map((field) => stringAt(terminated, [field]));
  return `exit code ${code}${reason && ` (${reason})`}${at && ` at ${at}`}`;
}
