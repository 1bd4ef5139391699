import type { KubeObject } from '@sluice/shared/api';
import {
  fieldAt,
  fieldsOf,
  isMap,
  type JsonMap,
  mapsAt,
  stringAt,
} from '../object/object-fields.ts';
import type { CustomKinds } from './custom-kinds.ts';
import {
  conditionOf,
  current,
  describeCondition,
  failed,
  type Health,
  inProgress,
  isTrue,
} from './health-result.ts';

/** Judges an object of a kind of others by the rule for it: in progress while its status is missing or about an older spec. */
export function customHealth(object: KubeObject, rule: CustomKinds): Health {
  const status = fieldsOf(object)['status'];
  if (!isMap(status)) return inProgress('no controller has written its status yet');
  const { generation } = object.metadata;
  if (isOther(status['observedGeneration'], generation)) {
    return inProgress(
      `generation is ${generation}, but latest observed generation is ${status['observedGeneration']}`,
    );
  }
  if (rule.phases !== undefined) return phaseHealth(status, rule.phases);
  return conditionsHealth(status, generation, rule);
}

/** Whether a status is about another generation; some controllers write theirs as a text, or something else there. */
function isOther(observed: unknown, generation: number | undefined): boolean {
  if (generation === undefined) return false;
  return /^-?\d+$/.test(String(observed)) && String(observed) !== String(generation);
}

function phaseHealth(status: JsonMap, phases: NonNullable<CustomKinds['phases']>): Health {
  const phase = stringAt(status, ['phase']);
  if (phase === '') return inProgress('status.phase is not there yet');
  const [condition] = mapsAt(status, 'conditions');
  const why = stringAt(status, ['message']) || stringAt(condition, ['message']);
  const message = `phase ${phase}${why === '' ? '' : `: ${why}`}`;
  if (phases.current.includes(phase)) return current(message);
  return phases.failed.includes(phase) ? failed(message) : inProgress(message);
}

function conditionsHealth(
  status: JsonMap,
  generation: number | undefined,
  { conditions = [], within, isFinal }: CustomKinds,
): Health {
  const holders = within === undefined ? [status] : mapsAt(status, within);
  if (holders.length === 0) return inProgress(`status.${within} has no entry yet`);
  for (const holder of holders) {
    for (const type of conditions) {
      const condition = conditionOf({ status: holder }, type);
      if (condition === undefined) return inProgress(`condition ${type} is not there yet`);
      if (isOther(condition['observedGeneration'], generation)) {
        return inProgress(
          `condition ${type} is about generation ${condition['observedGeneration']}`,
        );
      }
      if (isTrue(condition)) continue;
      const message = `${parentOf(holder)}${describeCondition(condition)}`;
      return isFinal && condition['status'] === 'False' ? failed(message) : inProgress(message);
    }
  }
  return current(`${conditions.join(' and ')}: True`);
}

function parentOf(holder: JsonMap): string {
  const name = fieldAt(holder, 'parentRef', 'name');
  return typeof name === 'string' ? `for parent ${name} ` : '';
}
