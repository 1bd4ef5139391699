import type { KubeObject, Kustomization } from '@sluice/shared/api';
import { compileCel, type Predicate } from './cel.ts';
import { computeHealth, type Health } from './health.ts';
import { gvkOf } from './resource.ts';

type Expressions = Kustomization['spec']['healthCheckExprs'];

/** How the health of custom resources is read. */
export interface HealthRules {
  /** Where the expressions stand, for messages. */
  field: string;
  exprs: Expressions;
}

type Step = { status: 'InProgress' | 'Failed' | 'Current'; holds: Predicate };

const compiledRules = new WeakMap<object, Step[]>();

/**
 * Compiles an entry of spec.healthCheckExprs, once.
 *
 * @throws StalledError InvalidCELExpression
 */
function compile(entry: NonNullable<Expressions>[number], field: string): Step[] {
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
  compiledRules.set(entry, steps);
  return steps;
}

/**
 * Checks all expressions of spec.healthCheckExprs.
 *
 * @throws StalledError InvalidCELExpression that names the field
 */
export function checkHealthRules({ exprs, field }: HealthRules): void {
  for (const [index, entry] of (exprs ?? []).entries()) compile(entry, `${field}[${index}]`);
}

/** Finds the entry for an object: one with its kind before one for its whole group. */
function entryFor(object: KubeObject, { exprs, field }: HealthRules): Step[] | undefined {
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
 * Computes the health of an object, by the expressions for its kind if there are any. An expression that cannot be
 * evaluated, for instance because the status is not there yet, does not hold.
 */
export function evaluateHealth(object: KubeObject, rules: HealthRules): Health {
  const steps = entryFor(object, rules);
  if (steps === undefined) return computeHealth(object);
  if (object.metadata.deletionTimestamp) return computeHealth(object);
  let problem = '';
  for (const { status, holds } of steps) {
    try {
      if (holds({ ...object })) return { status, message: 'as spec.healthCheckExprs says' };
    } catch (error) {
      problem = error instanceof Error ? error.message : String(error);
    }
  }
  return {
    status: 'InProgress',
    message: problem || 'no expression of spec.healthCheckExprs holds',
  };
}
