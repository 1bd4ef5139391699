import { allKinds, type KubeObject } from '@sluice/shared/api';
import { errorMessage, type Logger } from '@sluice/shared/base';
import { evaluateHealth } from '@sluice/shared/engine';
import { celBudgetOf, compileCel, gvkOf } from '@sluice/shared/kube';
import {
  conditionsOf,
  findCondition,
  isReady,
  readyCondition,
  whyUnready,
} from '@sluice/shared/runtime';
import type { Dependant } from './dependency-reference.ts';

/** What has become of a dependency. */
export interface DependencyChange {
  type?: 'added' | 'modified' | 'deleted';
  object: KubeObject;
  previous?: KubeObject | undefined;
}

/** Whether dependants have something new to say: that it is ready, or why it is not. While it works, nothing is new. */
export function saysSomethingElse({ type, object, previous }: DependencyChange): boolean {
  if (isReady(object) || type === 'deleted' || previous === undefined) return true;
  const ready = findCondition(conditionsOf(object), readyCondition);
  if (ready?.status === 'Unknown') return false;
  return whyUnready(object, { quote: true }) !== whyUnready(previous, { quote: true });
}

/** Whether a kind of ours says by a Ready condition how its objects are. */
function showsReady(object: KubeObject): boolean {
  const { group, kind } = gvkOf(object);
  const ours = allKinds.find((one) => one.group === group && one.kind === kind);
  return ours?.printerColumns.some(({ name }) => name === readyCondition) ?? false;
}

/**
 * Says why an object of any kind is not ready; undefined when it is. What one of our kinds has no Ready condition yet
 * is not ready; others are as their health is, for custom resources by the dependant's spec.healthCheckExprs.
 */
export function whyObjectUnready(object: KubeObject, { spec }: Dependant): string | undefined {
  if (showsReady(object)) return whyUnready(object, { quote: true });
  const rules = { field: 'spec.healthCheckExprs', exprs: spec.healthCheckExprs };
  const { status, message } = evaluateHealth(object, rules);
  if (status === 'Current') return undefined;
  return message === '' ? `it is ${status}` : `it is ${status}: ${message}`;
}

/**
 * Evaluates a readyExpr. One that cannot be evaluated does not hold, mostly because a status is not there yet.
 *
 * @throws StalledError InvalidCELExpression when it cannot be read
 */
export function holdsReadyExpr(
  { self, dep }: { self: Dependant; dep: KubeObject },
  { expression, field, logger }: { expression: string; field: string; logger: Logger },
): boolean {
  const predicate = compileCel(expression, field, ['self', 'dep']);
  try {
    return predicate({ self, dep }, celBudgetOf(self.spec.dependsOn ?? self));
  } catch (error) {
    const dependency = dep.metadata.name;
    logger.debug({ dependency, error: errorMessage(error) }, 'readyExpr could not be evaluated');
    return false;
  }
}
