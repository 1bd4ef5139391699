import { CelError, celBudgetOf, compileCel, compileCelValue } from '@sluice/shared/kube';
import { type OidcProvider, WebhookRefusedError } from './webhook.ts';

const names = ['claims', 'vars'];

/** The CEL expressions of an entry of `spec.oidcProviders`. */
export function oidcExpressions({ variables = [], validations }: OidcProvider): string[] {
  return [...variables, ...validations].map(({ expression }) => expression);
}

/**
 * Compiles the expressions of an entry of `spec.oidcProviders`.
 *
 * @throws StalledError InvalidCELExpression
 */
export function compileClaims({ variables = [], validations }: OidcProvider, index: number) {
  const field = `spec.oidcProviders[${index}]`;
  return {
    variables: variables.map(({ name, expression }, i) => ({
      name,
      compute: compileCelValue(expression, `${field}.variables[${i}]`, names),
    })),
    validations: validations.map(({ expression, message }, i) => ({
      message,
      holds: compileCel(expression, `${field}.validations[${i}]`, names),
    })),
  };
}

/**
 * Checks the claims of a verified token: every validation has to hold.
 *
 * @throws WebhookRefusedError with the messages of those that do not
 */
export function checkClaims(
  provider: OidcProvider,
  index: number,
  claims: Record<string, unknown>,
): void {
  const { variables, validations } = compileClaims(provider, index);
  const budget = celBudgetOf(provider);
  const values = { claims, vars: {} as Record<string, unknown> };
  try {
    for (const { name, compute } of variables) values.vars[name] = compute(values, budget);
    const failed = validations.filter(({ holds }) => !holds(values, budget));
    if (failed.length === 0) return;
    const messages = failed.map(({ message }) => message).join('; ');
    throw new WebhookRefusedError(`the token is not accepted: ${messages}`);
  } catch (error) {
    if (error instanceof CelError) throw new WebhookRefusedError(error.message);
    throw error;
  }
}
