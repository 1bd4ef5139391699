import { checkEvent, checkTokenHeader, headerOf } from './checks.ts';
import type { WebhookType } from './webhook.ts';

/**
 * Webhooks of GitLab, which sends the token along.
 *
 * @see https://docs.gitlab.com/user/project/integrations/webhooks/
 */
export const gitlabWebhook: WebhookType = (webhook, { token, events }) => {
  checkTokenHeader(webhook, 'X-Gitlab-Token', token);
  checkEvent(headerOf(webhook.headers, 'X-Gitlab-Event'), events);
  return 'reconcile';
};
