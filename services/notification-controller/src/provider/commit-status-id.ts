import type { Alert, FluxEvent, Provider } from '@sluice/shared/api';
import { StalledError } from '@sluice/shared/base';
import { CelError, celBudgetOf, compileCelValue } from '@sluice/shared/kube';
import { UnusableProviderError } from './delivery-error.ts';
import { eventJson } from './go-json.ts';

const field = 'spec.commitStatusExpr';

/**
 * What identifies the commit status of an event: what the Provider's expression yields, or else a text that is unique
 * for an object and a Provider.
 *
 * @throws UnusableProviderError when the expression cannot be read, or yields no text
 */
export function commitStatusId(event: FluxEvent, provider: Provider, alert: Alert): string {
  const { commitStatusExpr: expression } = provider.spec;
  if (!expression) return defaultStatusId(event, provider.metadata.uid ?? '');
  const id = evaluate(expression, { event: JSON.parse(eventJson(event)), provider, alert });
  if (typeof id === 'string' && id !== '') return id;
  throw new UnusableProviderError(`${field} yields no text: write an expression that does`);
}

/** The identifier where there is no expression. */
export function defaultStatusId({ involvedObject }: FluxEvent, providerUid: string): string {
  const [cluster = ''] = providerUid.split('-', 1);
  return `${involvedObject.kind}/${involvedObject.name}/${cluster}`.toLowerCase();
}

function evaluate(
  expression: string,
  values: { event: unknown; provider: Provider; alert: Alert },
): unknown {
  try {
    const compute = compileCelValue(expression, field, ['event', 'provider', 'alert']);
    return compute(values, celBudgetOf(values.provider.spec));
  } catch (error) {
    if (!(error instanceof StalledError || error instanceof CelError)) throw error;
    throw new UnusableProviderError(error.message, { cause: error });
  }
}
