import { checkEvent, headerOf, isWanted } from './checks.ts';
import { checkSignedPost } from './signed-post.ts';
import type { WebhookType } from './webhook.ts';

/**
 * Webhooks of GitHub, signed with the token.
 *
 * @see https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
 */
export const githubWebhook: WebhookType = (webhook, { token, events }) => {
  checkSignedPost(webhook, token);
  const event = headerOf(webhook.headers, 'X-GitHub-Event');
  // GitHub pings each new webhook; refusing it would show as a failure there.
  if (event.toLowerCase() === 'ping' && !isWanted(event, events)) return 'ignore';
  checkEvent(event, events);
  return 'reconcile';
};
