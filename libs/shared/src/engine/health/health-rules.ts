import type { KubeObject, Kustomization } from '@sluice/shared/api';
import { errorMessage } from '@sluice/shared/base';
import {
  type CelBudget,
  CelError,
  celBudgetOf,
  checkCelCount,
  compileCel,
  gvkOf,
  type Predicate,
} from '@sluice/shared/kube';
import { fieldAt } from '../object/object-fields.ts';
import { computeHealth, generationHealth, type Health } from './health.ts';

type Expressions = Kustomization['spec']['healthCheckExprs'];

/** How the health of custom resources is read. */
export interface HealthRules {
  /** Where the expressions stand, for messages. */
  field: string;
  exprs: Expressions;
}

type Step = { status: 'InProgress' | 'Failed' | 'Current'; holds: Predicate };

/** A compiled entry. */
interface Rule {
  steps: Step[];
  /** What the last look at a state of an object found, so that each state is looked at once. */
  judged: WeakMap<KubeObject, Health>;
}

const compiledRules = new WeakMap<object, Rule>();

/**
 * Compiles an entry of spec.healthCheckExprs, once.
 *
 * @throws StalledError InvalidCELExpression
 */
function compile(entry: NonNullable<Expressions>[number], field: string): Rule {
  const known = compiledRules.get(entry);
  if (known !== undefined) return known;
  const steps: Step[] = [];
  const add = (status: Step['status'], name: 'inProgress' | 'failed' | 'current') => {
    const expression = entry[name];
    if (expression) steps.push({ status, holds: compileCel(expression, `${field}.${name}`) });
  };
  add('InProgress', 'inProgress');
  add('Failed', 'failed');
  add('Current', 'current');
  const rule: Rule = { steps, judged: new WeakMap() };
  compiledRules.set(entry, rule);
  return rule;
}

/**
 * Checks all expressions of spec.healthCheckExprs.
 *
 * @throws StalledError InvalidCELExpression that names the field
 */
export function checkHealthRules({ exprs = [], field }: HealthRules): void {
  const all = exprs.flatMap(({ inProgress, failed, current }) => [inProgress, failed, current]);
  checkCelCount(
    all.filter((expression) => expression !== undefined),
    field,
  );
  for (const [index, entry] of exprs.entries()) compile(entry, `${field}[${index}]`);
}

/** Finds the entry for an object: one with its kind before one for its whole group. */
function entryFor(object: KubeObject, { exprs, field }: HealthRules): Rule | undefined {
  if (!exprs?.length) return undefined;
  const { group, kind } = gvkOf(object);
  const inGroup = exprs
    .map((entry, index) => ({ entry, index }))
    .filter(({ entry }) => gvkOf({ apiVersion: entry.apiVersion, kind }).group === group);
  const found =
    inGroup.find(({ entry }) => entry.kind === kind) ?? inGroup.find(({ entry }) => !entry.kind);
  return found && compile(found.entry, `${field}[${found.index}]`);
}

/** Whether there are expressions for the kind of an object. */
export function hasHealthRule(object: KubeObject, rules: HealthRules): boolean {
  return entryFor(object, rules) !== undefined;
}

/**
 * Computes the health of an object, by the expressions for its kind if there are any: in progress while its status is
 * about an older spec, and Unknown when an expression fails before one holds, for instance because the status is not
 * there yet.
 *
 * @see https://github.com/fluxcd/flux2/tree/main/rfcs/0009-custom-health-checks
 */
export function evaluateHealth(object: KubeObject, rules: HealthRules): Health {
  const rule = entryFor(object, rules);
  if (rule === undefined) return computeHealth(object);
  if (object.metadata.deletionTimestamp) return computeHealth(object);
  const outdated = observesNumbers(object) ? generationHealth(object) : undefined;
  return (
    outdated ?? rule.judged.get(object) ?? judge(object, rule, celBudgetOf(rules.exprs ?? rule))
  );
}

/** Whether status.observedGeneration is a generation: some kinds hold a text there, which only expressions can read. */
function observesNumbers(object: KubeObject): boolean {
  return Number.isInteger(fieldAt(object, 'status', 'observedGeneration'));
}

function judge(object: KubeObject, { steps, judged }: Rule, budget: CelBudget): Health {
  try {
    const found = steps.find(({ holds }) => holds({ ...object }, budget));
    const health: Health = found
      ? { status: found.status, message: 'as spec.healthCheckExprs says' }
      : { status: 'InProgress', message: 'no expression of spec.healthCheckExprs holds' };
    judged.set(object, health);
    return health;
  } catch (error) {
    const health: Health = { status: 'Unknown', message: errorMessage(error) };
    // Later there may be more to spend.
    if (error instanceof CelError && error.kind === 'cost-limit')
      return { ...health, isTentative: true };
    judged.set(object, health);
    return health;
  }
}
