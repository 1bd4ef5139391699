import type { Alert, FluxEvent } from '@sluice/shared/api';
import { BudgetError } from '@sluice/shared/base';
import { compileTemplate } from '../template/compile-template.ts';
import { TemplateError } from '../template/template-error.ts';
import { templateData } from './template-data.ts';

/**
 * The message that `spec.template` of an Alert makes of an event. One that cannot be used, or makes nothing, is no reason
 * to lose an alert: it has the message of the event then, and says why.
 */
export function renderMessage(event: FluxEvent, { spec, metadata }: Alert): string {
  const { template } = spec;
  if (!template) return event.message;
  try {
    const message = compileTemplate(template).render(templateData(event, metadata));
    return message.trim() === '' ? event.message : message;
  } catch (error) {
    if (!isTemplateProblem(error)) throw error;
    return `${event.message}\n(spec.template of the Alert cannot be used: ${error.message})`;
  }
}

/** Whether a template, and not we, is to blame. */
export function isTemplateProblem(error: unknown): error is TemplateError | BudgetError {
  return error instanceof TemplateError || error instanceof BudgetError;
}
