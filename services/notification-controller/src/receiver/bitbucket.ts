import { checkEvent, headerOf } from './checks.ts';
import { checkSignedPost } from './signed-post.ts';
import type { WebhookType } from './webhook.ts';

/**
 * Webhooks of Bitbucket Server and Data Center, signed with the token.
 *
 * @see https://confluence.atlassian.com/bitbucketserver/event-payload-938025882.html
 */
export const bitbucketWebhook: WebhookType = (webhook, { token, events }) => {
  checkSignedPost(webhook, token);
  checkEvent(headerOf(webhook.headers, 'X-Event-Key'), events);
  return 'reconcile';
};
