import { checkTokenHeader } from './checks.ts';
import type { WebhookType } from './webhook.ts';

/**
 * Webhooks of Harbor, whose auth header is the token as it is.
 *
 * @see https://goharbor.io/docs/latest/working-with-projects/project-configuration/configure-webhooks/
 */
export const harborWebhook: WebhookType = (webhook, { token }) => {
  checkTokenHeader(webhook, 'Authorization', token);
  return 'reconcile';
};
