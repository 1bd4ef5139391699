import type { KubeObject, ReceiverSpec } from '@sluice/shared/api';
import { celBudgetOf, checkCelCount, compileCel, type Predicate } from '@sluice/shared/kube';
import { headerOf, jsonObject } from './checks.ts';
import type { Webhook, WebhookFacts } from './webhook.ts';

/**
 * Whether a webhook asks for the reconciliation of an object that an entry of `spec.resources` names.
 *
 * @throws CelError when a filter fails on it
 */
export type Accepts = (entry: number, object: KubeObject) => boolean;

/** The filters of a Receiver: that for all entries, and those of single ones. */
interface Filters {
  all?: Predicate;
  entries: (Predicate | undefined)[];
}

/** The CEL expressions of all filters of a Receiver. */
export function filterExpressions({ resourceFilter, resources }: ReceiverSpec): string[] {
  return [resourceFilter, ...resources.map(({ filter }) => filter)].filter(
    (expression) => expression !== undefined && expression !== '',
  ) as string[];
}

/**
 * Compiles the filters of a Receiver.
 *
 * @throws StalledError InvalidCELExpression
 */
export function compileFilters(spec: ReceiverSpec): Filters {
  checkCelCount(filterExpressions(spec), 'spec');
  const names = ['res', 'req', ...(spec.type === 'generic-oidc' ? ['claims'] : [])];
  const compile = (expression: string | undefined, field: string) =>
    expression ? compileCel(expression, field, names) : undefined;
  return {
    all: compile(spec.resourceFilter, 'spec.resourceFilter'),
    entries: spec.resources.map(({ filter }, i) => compile(filter, `spec.resources[${i}].filter`)),
  };
}

/**
 * Makes the function that applies the filters of a Receiver to a webhook; none when there are no filters.
 *
 * @throws WebhookRefusedError when the filters need a body that says it is JSON, and is not
 */
export function filtersFor(
  spec: ReceiverSpec,
  webhook: Webhook,
  { payload, claims }: WebhookFacts,
): Accepts | undefined {
  if (filterExpressions(spec).length === 0) return undefined;
  const { all, entries } = compileFilters(spec);
  const req = payload ?? (isJson(webhook) ? jsonObject(webhook.body) : {});
  const budget = celBudgetOf(spec);
  return (entry, res) => {
    const values = { res, req, ...(claims && { claims }) };
    const filters = [all, entries[entry]].filter((filter) => filter !== undefined);
    return filters.every((filter) => filter(values, budget));
  };
}

function isJson({ headers }: Webhook): boolean {
  const types = headerOf(headers, 'content-type').split(',');
  return types.some((type) => type.split(';', 1)[0]?.trim().toLowerCase() === 'application/json');
}
